"""The asyncio service clients, and the source that ``sync`` is derived from (scripts/unasync)."""
