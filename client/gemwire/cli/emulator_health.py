"""The health check of an emulator."""

from __future__ import annotations

import grpc

_TIMEOUT = 3.0
#: A serialized grpc.health.v1.HealthCheckResponse with the status SERVING.
_SERVING = b"\x08\x01"


def check_health(address: str, proxy: str) -> dict[str, str]:
    """Call the health service of an emulator, as its clients would reach it.

    Args:
        address: host:port.
        proxy: Address of the proxy in between, or ``none``.
    """
    options = (("grpc.enable_http_proxy", int(proxy != "none")),)
    with grpc.insecure_channel(address, options) as channel:
        # Request and response are bytes: the request is empty, and one response is of interest.
        check: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/grpc.health.v1.Health/Check"
        )
        try:
            status = check(b"", timeout=_TIMEOUT, wait_for_ready=False)
        except grpc.RpcError as error:
            code = error.code()
            if code is grpc.StatusCode.UNIMPLEMENTED:
                return {"value": "answers", "reason": "no health service, but a gRPC response"}
            remedy = (
                f"calls go through the proxy {proxy}; set no_proxy={address.rpartition(':')[0]}"
                if proxy != "none"
                else "start one (gemwire serve --port N), or unset GEMINI_EMULATOR_HOST"
            )
            return {
                "value": "",
                "reason": f"the health check failed with {code.name}",
                "problem": f"the emulator at {address} does not respond ({code.name}); {remedy}",
            }
    if status != _SERVING:
        return {
            "value": "not serving",
            "reason": "the health check says so",
            "problem": f"the emulator at {address} is not serving; wait for it, or start another",
        }
    return {"value": "answers", "reason": "the health check says SERVING"}
