"""pytest's plugin in the process that runs Google's tests: selects them, and writes down how each ended."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from judge.placeholders import Usage

#: The folder of the package; who is judged; which tests; the file of outcomes.
FOLDER, SUBJECT, KIND, OUTCOMES = json.loads(os.environ["GEMWIRE_JUDGE"])
SERVICE = "https://generativelanguage.googleapis.com"


def _send_to(kind: Any, address: str) -> None:
    """Send the calls of google-genai's client to an address, also of those that name the service's host."""
    build = kind._build_request

    def build_for_address(*arguments: Any, **named: Any) -> Any:
        request = build(*arguments, **named)
        request.url = request.url.replace(SERVICE, address)
        return request

    initialize = kind.__init__

    def initialize_for_address(self: Any, **named: Any) -> None:
        initialize(self, **named)
        options = self._http_options
        options.base_url = (options.base_url or "").replace(SERVICE, address)

    if address:
        kind._build_request, kind.__init__ = build_for_address, initialize_for_address


usage: Usage | None = None
if SUBJECT == "gemwire":
    from judge import google_alias, placeholders

    google_alias.install(Path(FOLDER))
    usage = placeholders.USAGE
else:
    import google.genai
    from google.genai import _api_client

    google.genai.__path__.insert(0, FOLDER)
    _send_to(_api_client.BaseApiClient, os.environ.get("GOOGLE_GEMINI_BASE_URL", ""))

outcomes: dict[str, tuple[str, str]] = {}


def calls_api(item: pytest.Item) -> bool:
    """Return whether a test calls the API with the client of the frame."""
    found = item._fixtureinfo.name2fixturedefs.get("client", ()) if isinstance(item, pytest.Function) else ()
    return any(each.func.__module__ == "google.genai.tests.conftest" for each in found[-1:])


def uses_vertex(item: pytest.Item) -> bool:
    """Return whether a test is the variant for Vertex AI."""
    found = getattr(item, "callspec", None)
    return bool(found and found.params.get("use_vertex"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests that were asked for."""
    left = [item for item in items if calls_api(item) == (KIND == "api") and not uses_vertex(item)]
    chosen = {id(item) for item in left}
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in chosen])
    items[:] = left
    if config.option.collectonly:
        outcomes.update((item.nodeid, ("collected", "")) for item in left)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Begin a test."""
    if usage is not None:
        usage.begin(KIND == "api")
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the outcome: the first phase that did not pass counts."""
    private = usage.names[0] if usage is not None and usage.names else ""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        told = private or (crash.message if crash else str(report.longrepr))
        outcomes[report.nodeid] = ("failed", told)
    elif report.skipped:
        outcomes.setdefault(report.nodeid, ("skipped", str(report.longrepr)))
    elif report.when == "call":
        outcomes.setdefault(report.nodeid, ("passed", private))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Keep why a module could not be imported."""
    if report.failed:
        outcomes[report.nodeid] = ("failed", str(report.longrepr)[-2000:])


def pytest_sessionfinish() -> None:
    """Write the outcomes."""
    Path(OUTCOMES).write_text(json.dumps(outcomes), encoding="utf-8")
