"""Where clients of gemwire.genai call: ``base_url``, its variable, and versions."""

from __future__ import annotations

from typing import Any

import pytest

from gemwire.genai import http_options, types


def resolve_address(**options: Any) -> tuple[str | None, bool]:
    """Return host, and whether it is called without TLS."""
    return http_options.resolve_address(types.HttpOptions(**options), "GOOGLE_GEMINI_BASE_URL")[:2]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_GEMINI_BASE_URL", "GEMINI_EMULATOR_HOST", "GEMINI_EMULATOR_HTTP_HOST"):
        monkeypatch.delenv(name, raising=False)


def test_the_argument_comes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_address() == (None, False)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:8080/")
    assert resolve_address() == ("127.0.0.1:8080", True)
    assert resolve_address(base_url="https://elsewhere.example") == ("elsewhere.example", False)


@pytest.mark.parametrize("name", ["GEMINI_EMULATOR_HOST", "GEMINI_EMULATOR_HTTP_HOST"])
def test_an_emulator_comes_before_the_variable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv(name, "127.0.0.1:1")
    assert resolve_address() == (None, False)


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://elsewhere.example")
    with pytest.raises(ValueError, match=r"GOOGLE_GEMINI_BASE_URL: .* must be encrypted"):
        resolve_address()


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_versions_that_are_served(version: str) -> None:
    assert resolve_address(api_version=version) == (None, False)


def test_others_are_refused() -> None:
    with pytest.raises(ValueError, match=r"http_options\.api_version: 'v2' is not one of"):
        resolve_address(api_version="v2")


def test_paths_and_other_machines() -> None:
    url = http_options.resolve_address(types.HttpOptions(base_url="https://h.example/a/b/"), "X")
    assert (url.host, url.path, url.elsewhere) == ("h.example", "/a/b", False)
    url = http_options.resolve_address(types.HttpOptions(base_url="http://h.example"), "X")
    assert (url.host, url.path, url.elsewhere) == ("h.example", "", True)
