"""Every RPC of the method tables is on both clients, nothing else is, and each says what it takes."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

from gemwire import aiplatform_v1, v1, v1beta
from gemwire_proto.families import PACKAGES
from gemwire_proto.longrunning import operations

SERVICES = [
    (
        importlib.import_module(package.module.replace("gemwire_proto", "gemwire")),
        name.removesuffix("Service"),
    )
    for package in PACKAGES.values()
    if package.clients
    for name in package.services
]
#: What the clients of one service have besides.
ITS_OWN: dict[tuple[object, str], set[str]] = {
    (v1, "Generative"): {"prepare"},
    (v1beta, "Generative"): {"prepare"},
    (aiplatform_v1, "Prediction"): {"prepare"},
}
#: What a client has besides its RPCs and path helpers.
COMMON = {
    "DEFAULT_ENDPOINT",
    "DEFAULT_MTLS_ENDPOINT",
    "SERVICE",
    "api_endpoint",
    "caller",
    "close",
    "from_service_account_file",
    "from_service_account_info",
    "from_service_account_json",
    "get_mtls_endpoint_and_cert_source",
    "get_transport_class",
    "raw",
    "transport",
    "universe_domain",
}


def table(version: object, name: str) -> object:
    module = version.__name__.replace("gemwire", "gemwire_proto")  # type: ignore[attr-defined]
    package = next(package for package in PACKAGES.values() if package.module == module)
    return importlib.import_module(package.services[f"{name}Service"]).SERVICE


@pytest.mark.parametrize(("version", "name"), SERVICES)
@pytest.mark.parametrize("suffix", ["ServiceClient", "ServiceAsyncClient"])
def test_a_client_has_its_rpcs_and_nothing_else(version: object, name: str, suffix: str) -> None:
    client = getattr(version, name + suffix)
    service = table(version, name)
    methods = {m.snake: m for m in (*service.methods.values(), *operations.SERVICE.methods.values())}  # type: ignore[attr-defined]
    public = {n for n in dir(client) if not n.startswith("_")}
    paths = {n for n in public if n.endswith("_path")}
    assert public - paths - COMMON - ITS_OWN.get((version, name), set()) == set(methods)
    for snake, method in methods.items():
        function = getattr(client, snake)
        text = inspect.getdoc(function) or ""
        for parameter in inspect.signature(function).parameters:
            if parameter != "self":
                assert re.search(rf"^    {parameter}: \S", text, re.MULTILINE), (method.path, parameter)
        assert "Returns:\n" in text
        assert "gemwire.errors.APIError:" in text
        assert re.search(rf"^Source: google/\S+\.proto, `{method.name}`", text, re.MULTILINE), method.path


def test_there_are_as_many_as_the_apis_have() -> None:
    counts = {v1beta: 0, v1: 0, aiplatform_v1: 0}
    http_only = 0
    for version, name in SERVICES:
        methods = table(version, name).methods.values()  # type: ignore[attr-defined]
        counts[version] += sum(not method.http_only for method in methods)
        http_only += sum(method.http_only for method in methods)
    assert counts == {v1beta: 58, v1: 7, aiplatform_v1: 48}
    assert len(SERVICES) == 21
    assert http_only == 22
