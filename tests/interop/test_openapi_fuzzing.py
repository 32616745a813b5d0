"""schemathesis as a judge of ``/openapi.json``: nothing makes the emulator fail, or answer as nobody said."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import openapi_tools
import pytest
from populated_emulator import BY_NAME, Populated

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture
def populated() -> Iterator[Populated]:
    made = Populated(http_port=0)
    made.renew()
    yield made
    # Nothing was broken that a later caller needs.
    assert isinstance(made.send(BY_NAME["ListModels"], b""), list)
    made.channel.close()
    made.emulator.stop()


def existing(populated: Populated) -> dict[str, list[str]]:
    """For each collection, IDs of resources that there are; first the one that can do most."""
    found = defaultdict(list, models=["gemini-2.5-flash"], dynamic=["any"])
    for request in populated.valid.values():
        parts = str(request.get("name") or request.get("model") or "").split("/")
        for collection, name in zip(parts[::2], parts[1::2], strict=False):
            found[collection].append(name)
    return {collection: list(dict.fromkeys(names)) for collection, names in found.items()}


def fuzz(
    populated: Populated,
    folder: Path,
    *options: str,
    document: str = "openapi.json",
    always: bool = False,
) -> None:
    """Have the emulator tried out.

    Args:
        populated: The emulator.
        folder: Where schemathesis may write.
        *options: Of ``schemathesis run``.
        document: What to try, below the emulator's address.
        always: Whether paths name what there is every time, in the phases too that look for the edges.
    """
    # Keys would lead past what there is: whoever has another key finds nothing.
    lines = ["[generation]", "with-security-parameters = false", "[parameters]"]
    for collection, names in existing(populated).items():
        parameter = {"corpora": "corpus"}.get(collection, collection.removesuffix("s"))
        value = f'"{names[0]}"' if always else f'{{ dictionary = "{collection}", probability = 0.8 }}'
        lines.append(f'"path.{parameter}" = {value}')
    for collection, names in existing(populated).items():
        lines += [f"[dictionaries.{collection}]", f"values = {json.dumps(names)}"]
    settings = folder / "schemathesis.toml"
    settings.write_text("\n".join(lines) + "\n")
    openapi_tools.run(
        openapi_tools.python("tools").with_name("schemathesis"),
        *("--config-file", settings, "run", f"{populated.emulator.http}/{document}"),
        *("--checks", CHECKS, "--seed", "1", "--no-color", "--warnings", "off", "--request-timeout", "60"),
        *("--no-shrink", "--output-truncate", "true", *options),
        cwd=folder,
    )


#: What is deleted cannot be asked for any more.
APART = [("--exclude-method", "DELETE"), ("--include-method", "DELETE")]


@pytest.mark.parametrize("methods", APART, ids=["others", "deletions"])
def test_a_few_inputs(populated: Populated, tmp_path: Path, methods: tuple[str, str]) -> None:
    fuzz(populated, tmp_path, "--phases", "fuzzing", "--max-examples", "2", *methods)
    statuses = {call.status for call in populated.emulator.calls()}
    assert statuses >= {"OK", "NOT_FOUND"}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", ["v1beta", "v1"])
@pytest.mark.parametrize("phase", ["fuzzing", "coverage", "stateful"])
def test_many_inputs(populated: Populated, tmp_path: Path, version: str, phase: str) -> None:
    document = {"v1beta": "openapi.json", "v1": "v1/openapi.json"}[version]
    options = ("--phases", phase, "--max-examples", "40")
    fuzz(populated, tmp_path, *options, document=document, always=phase == "coverage")
    assert len(populated.emulator.calls()) > 50
