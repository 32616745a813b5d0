"""gRPC over HTTP/2 on asyncio: the protocol core of `gemwire._transport.h2` with sockets."""
