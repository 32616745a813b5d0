"""The asyncio clients, and the source that ``_sync`` is derived from (scripts/unasync)."""
