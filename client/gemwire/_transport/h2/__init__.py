"""gRPC over HTTP/2 without I/O: bytes in, calls on receivers out, bytes to send out.

The modules below this package import neither sockets nor asyncio. RFC 9113 is HTTP/2, RFC 7541 is HPACK;
"gRPC over HTTP2" is doc/PROTOCOL-HTTP2.md of gRPC.
"""
