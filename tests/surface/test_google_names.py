"""Messages and clients by the names that they have in Google's packages."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from gemwire import aiplatform_v1, v1, v1beta

_PACKAGES = [
    ("gemwire.v1beta", "google.ai.generativelanguage_v1beta"),
    ("gemwire.v1", "google.ai.generativelanguage_v1"),
]


@pytest.mark.parametrize(("ours", "theirs"), _PACKAGES)
def test_types_by_their_files(ours: str, theirs: str) -> None:
    google = pytest.importorskip(f"{theirs}.types")
    everything = importlib.import_module(f"{ours}.types")
    for found in pkgutil.iter_modules(google.__path__):
        wanted = importlib.import_module(f"{theirs}.types.{found.name}")
        module = importlib.import_module(f"{ours}.types.{found.name}")
        names = sorted(wanted.__protobuf__.manifest)
        assert [name for name in names if not hasattr(module, name)] == []
        for name in names:
            assert getattr(everything, name) is getattr(module, name)


@pytest.mark.parametrize(("ours", "theirs"), _PACKAGES)
def test_clients_by_their_services(ours: str, theirs: str) -> None:
    google = pytest.importorskip(f"{theirs}.services")
    for found in pkgutil.iter_modules(google.__path__):
        wanted = importlib.import_module(f"{theirs}.services.{found.name}")
        module = importlib.import_module(f"{ours}.services.{found.name}")
        assert [name for name in wanted.__all__ if not hasattr(module, name)] == []


def test_they_are_those_of_the_fronts() -> None:
    from gemwire.v1beta.services.generative_service import (
        GenerativeServiceAsyncClient,
        GenerativeServiceClient,
    )
    from gemwire.v1beta.types import Content, generative_service
    from gemwire.v1beta.types.content import Part

    assert Content is v1beta.Content is v1beta.types.Content
    assert Part is v1beta.Part is v1beta.types.content.Part
    assert generative_service.GenerateContentRequest is v1beta.GenerateContentRequest
    assert GenerativeServiceAsyncClient is v1beta.GenerativeServiceAsyncClient
    assert GenerativeServiceClient is v1beta.services.generative_service.GenerativeServiceClient
    assert v1.types.Content is v1.Content
    assert (
        aiplatform_v1.types.prediction_service.GenerateContentRequest is aiplatform_v1.GenerateContentRequest
    )
    with pytest.raises(AttributeError, match="Conten"):
        _ = v1beta.types.Conten
