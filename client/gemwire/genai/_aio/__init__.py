"""The asyncio resources, and the source that ``_sync`` is derived from (scripts/unasync)."""
