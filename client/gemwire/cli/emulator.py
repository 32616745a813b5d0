"""Whether an emulator answers."""

from __future__ import annotations

from typing import Any

import grpc

#: Seconds that it has for it.
_PATIENCE = 3.0


def health(address: str, proxy: str) -> dict[str, str]:
    """Ask an emulator how it is, as its clients would reach it.

    Args:
        address: host:port.
        proxy: The proxy in between, or none.
    """
    through = (("grpc.enable_http_proxy", int(proxy != "none")),)
    with grpc.insecure_channel(address, through) as channel:
        # grpc.health.v1 needs no package for this: an empty request, and a status in the answer.
        check: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            status = check(b"", timeout=_PATIENCE, wait_for_ready=False)
        except grpc.RpcError as error:
            failed: Any = error
            code = failed.code()
            if code is grpc.StatusCode.UNIMPLEMENTED:
                return {"value": "answers", "reason": "it has no health service, but refused in gRPC"}
            remedy = (
                f"calls go through the proxy {proxy}; set no_proxy={address.rpartition(':')[0]}"
                if proxy != "none"
                else "start one (gemwire serve --port N), or unset GEMINI_EMULATOR_HOST"
            )
            return {
                "value": "",
                "reason": f"a health check ended with {code.name}",
                "problem": f"the emulator at {address} does not answer ({code.name}); {remedy}",
            }
    if status != b"\x08\x01":
        return {
            "value": "not serving",
            "reason": "its health check says so",
            "problem": f"the emulator at {address} is not serving; wait until it is, or start another",
        }
    return {"value": "answers", "reason": "its health check says that it is serving"}
