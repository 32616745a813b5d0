"""An emulator of the Gemini API on your machine: stateful, over real gRPC, without a key.

`server.Emulator` is the whole of it; ``python -m gemwire_emulator`` and ``gemwire serve`` start one.
It uses `gemwire_proto` and nothing of `gemwire`, so that client and server cannot share a mistake.
"""
