"""Calls as JSON over HTTP/1.1, for asyncio and threads.

`transcode` converts messages, `exchange` makes calls, `sse` parses the events of streams, `http_errors`
converts errors. Only `session` imports the HTTP client; it is imported by the first REST transport.
"""
