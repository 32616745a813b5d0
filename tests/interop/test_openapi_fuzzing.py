"""schemathesis as a judge of ``/openapi.json``: nothing makes the emulator fail, or answer as nobody said."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import openapi_tools
import pytest
from populated import BY_NAME, Populated

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


def existing(populated: Populated) -> dict[str, set[str]]:
    """For each collection, IDs of resources that there are."""
    found = defaultdict(set, models={"embedding-gecko-001"}, dynamic={"any"})
    for request in populated.valid.values():
        parts = str(request.get("name") or request.get("model") or "").split("/")
        for collection, name in zip(parts[::2], parts[1::2], strict=False):
            found[collection].add(name)
    return found


def fuzz(populated: Populated, folder: Path, *options: str) -> str:
    """Have the emulator tried out; what schemathesis reports, which must be good."""
    settings = folder / "schemathesis.toml"
    # Keys would lead past what there is: whoever has another key finds nothing.
    lines = ["[generation]", "with-security-parameters = false"]
    for collection, names in existing(populated).items():
        parameter = {"corpora": "corpus"}.get(collection, collection.removesuffix("s"))
        lines += [f"[dictionaries.{collection}]", f"values = {json.dumps(sorted(names))}"]
        lines += [f'[parameters."path.{parameter}"]', f'dictionary = "{collection}"', "probability = 0.8"]
    settings.write_text("\n".join(lines) + "\n")
    return openapi_tools.run(
        openapi_tools.python().with_name("schemathesis"),
        *("--config-file", settings, "run", f"{populated.emulator.http}/openapi.json"),
        *("--checks", CHECKS, "--seed", "1", "--no-color", "--warnings", "off", "--request-timeout", "10"),
        *("--no-shrink", "--output-truncate", "true", *options),
        cwd=folder,
    )


def test_a_few_inputs(populated: Populated, tmp_path: Path) -> None:
    fuzz(populated, tmp_path, "--phases", "fuzzing", "--max-examples", "3")
