"""Calls as JSON over HTTP/1.1. What is the same for asyncio and threads.

`transcode` beside this room makes requests of messages; here are the connection, the events of a
stream and what a failure means. Only `engine` knows the HTTP client, and is imported when the first
REST transport is made.
"""
