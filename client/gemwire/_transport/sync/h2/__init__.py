"""gRPC over HTTP/2 for threads: the protocol core of `gemwire._transport.h2` with blocking calls."""
