"""Programs written for google-genai run with a changed import, and have the same outcomes.

The groups run in order, once through each package, against identical emulators. ``docs/genai.md`` has a table
of the outcomes.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import pytest
from genai_snippets import GROUPS, Group, Run

from gemwire.testing import RunningEmulator, environment

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_800_000_000.0

#: Warning of the SDK; pytest resolves the filter even where the SDK is not installed.
_SDK_WARNING = ["ignore::google.genai._common.ExperimentalWarning"] if sys.version_info >= (3, 11) else []

pytestmark = [
    *map(pytest.mark.filterwarnings, _SDK_WARNING),
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The generate_:DeprecationWarning"),
    # Programs read the text of answers that are function calls.
    pytest.mark.filterwarnings("ignore:there are non-text parts in the response"),
]


async def run_groups(run: Run, groups: list[Group]) -> dict[str, Any]:
    """Return the result of each group, or the error that it raised."""
    outcomes: dict[str, Any] = {}
    for group in groups:
        try:
            found = group.run(run)
            outcomes[group.title] = await found if inspect.isawaitable(found) else found
        except Exception as error:
            outcomes[group.title] = error
    await run.close()
    return outcomes


def run_package(package: str, folder: Path) -> dict[str, Any]:
    """Run all groups through a package; those that read Cloud Storage with an emulator that has some."""
    storage = folder / "storage"
    storage.mkdir()
    stored = [group for group in GROUPS if group.title.startswith("Vertex AI: ")]
    others = [group for group in GROUPS if group not in stored]
    return {
        **run_with_emulator(package, folder, others, None),
        **run_with_emulator(package, folder, stored, storage),
    }


def run_with_emulator(
    package: str, folder: Path, groups: list[Group], storage: Path | None
) -> dict[str, Any]:
    """Run groups through a package."""
    certificates = folder / "certificates"
    running = RunningEmulator(
        http_port=0,
        https_port=0,
        certificate_dir=str(certificates),
        frozen_at=NOW,
        tuning_seconds=5,
        storage=storage,
    )
    with pytest.MonkeyPatch.context() as patch, environment(running):
        # google-genai's live sessions speak TLS alone.
        patch.setenv("GOOGLE_GEMINI_BASE_URL", running.https)
        patch.setenv("GOOGLE_VERTEX_BASE_URL", running.https)
        patch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
        for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
            patch.delenv(name, raising=False)
        genai, types, errors = (
            importlib.import_module(f"{package}{more}") for more in ("", ".types", ".errors")
        )
        try:
            return asyncio.run(run_groups(Run(genai, types, errors, running, folder), groups))
        finally:
            running.stop()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_package("gemwire.genai", tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pytest.importorskip("google.genai", reason="google-genai 3 needs Python 3.11")
    return run_package("google.genai", tmp_path_factory.mktemp("theirs"))


every_group = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)


@every_group
def test_runs(group: Group, ours: dict[str, Any]) -> None:
    found = ours[group.title]
    if isinstance(found, Exception):
        raise found


@every_group
def test_comes_to_the_same(group: Group, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    found = theirs[group.title]
    if group.only_here:
        # It says so itself, or the service does.
        assert isinstance(found, ValueError) or getattr(found, "code", None) == 400, found
    else:
        if isinstance(found, Exception):
            raise found
        assert ours[group.title] == found


def test_the_guide_has_the_table() -> None:
    rows = [f"| {group.title} | {group.outcome} |" for group in GROUPS]
    text = (ROOT / "docs" / "genai.md").read_text(encoding="utf-8")
    assert "\n".join(rows) in text, "the rows are to be:\n" + "\n".join(rows)
