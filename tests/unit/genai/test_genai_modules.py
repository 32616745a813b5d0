"""The modules and attributes by which programs of google-genai find things."""

from __future__ import annotations

import importlib
from unittest import mock

import pytest

import gemwire
from gemwire import genai

MODULES = [
    *("batches", "caches", "chats", "client", "errors", "files", "live", "models", "operations", "pagers"),
    *("tunings", "types", "version"),
]


@pytest.mark.parametrize("name", MODULES)
def test_modules_have_the_classes_of_googles(name: str) -> None:
    ours = importlib.import_module(f"gemwire.genai.{name}")
    assert getattr(genai, name) is ours
    theirs = pytest.importorskip(f"google.genai.{name}")
    if name not in {"client", "types"}:
        classes = [
            key
            for key, value in vars(theirs).items()
            if isinstance(value, type) and value.__module__ == theirs.__name__ and key[0] != "_"
        ]
        assert [key for key in classes if not hasattr(ours, key)] == []


def test_version() -> None:
    assert genai.version.__version__ == gemwire.__version__  # type: ignore[attr-defined]


def test_specs_of_mocks_have_the_resources() -> None:
    client = mock.create_autospec(genai.Client, instance=True)
    client.models.generate_content.return_value.text = "hi"
    assert client.models.generate_content(model="m", contents="a").text == "hi"
    assert client.chats.create
    assert client.aio.models.generate_content
    with pytest.raises(AttributeError):
        client.modles  # noqa: B018


def test_tuned_models_have_the_attributes_of_models() -> None:
    model = genai.types.TunedModel(name="tunedModels/t")
    for name in (
        *("endpoints", "labels", "version", "supported_actions", "input_token_limit"),
        *("output_token_limit", "checkpoints", "default_checkpoint_id"),
    ):
        assert getattr(model, name) is None
    assert model.tuned_model_info is not None
