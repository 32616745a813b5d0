"""The asyncio flavour, and the source that ``sync`` is derived from."""
