"""``gemwire rpc``: every RPC by name, and errors that say where."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gemwire_command
import pytest
from gemwire_command import complaint, run

from gemwire import errors
from gemwire.cli import rpc
from gemwire.testing import RunningEmulator, environment

running, gemini = gemwire_command.running, gemwire_command.gemini

COVERAGE = Path(__file__).parents[3] / "docs" / "emulator.md"
EVERY = [
    (f"{short}.{method.name}", method)
    for short, (_, table) in rpc.services().items()
    for method in table.methods.values()
]
#: Requests without which a call would not be one; all others do with an empty one.
REQUESTS = {
    "BidiGenerateContent": '{"setup": {"model": "models/gemini-2.5-flash"}}',
    "BatchGenerateContent": '{"model": "models/gemini-2.5-flash"}',
    "AsyncBatchEmbedContent": '{"model": "models/gemini-embedding-001"}',
    **{
        f"FileSearchStore.{method}": f'{{"{field}": "fileSearchStores/one{below}"}}'
        for method, field, below in (
            ("GetFileSearchStore", "name", ""),
            ("DeleteFileSearchStore", "name", ""),
            ("UploadToFileSearchStore", "file_search_store_name", ""),
            ("ImportFile", "file_search_store_name", ""),
            ("GetDocument", "name", "/documents/two"),
            ("ListDocuments", "parent", ""),
            ("DeleteDocument", "name", "/documents/two"),
        )
    },
}


@pytest.mark.parametrize("name", [name for name, _ in EVERY])
def test_every_rpc_can_be_made(
    gemini: RunningEmulator, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with environment(gemini):
        try:
            request = REQUESTS.get(name) or REQUESTS.get(name.rpartition(".")[2], "{}")
            rpc.rpc(name, request, timeout=10)
        except errors.APIError as error:
            assert error.method.endswith(name.rpartition(".")[2])  # noqa: PT017 - some want more than {}
        else:
            assert all(json.loads(part) is not None for part in _documents(capsys.readouterr().out))
    assert {call.method for call in gemini.calls()} == {rpc.find_method(name)[1].path.removeprefix("/")}


def _documents(text: str) -> list[str]:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return text.splitlines()
    return [text]


def test_the_list_is_complete(gemini: RunningEmulator) -> None:
    listed = run(gemini.address, "rpc", "--list", "--json").json
    expected = set(re.findall(r"\| (?:(v1)\.|v1beta\.|longrunning\.)(\w+) \| (\w+) \|", COVERAGE.read_text()))
    assert {tuple(row["name"].split(".")) for row in listed} == {
        tuple(filter(None, (version, service.removesuffix("Service"), method)))
        for version, service, method in expected
    }
    assert {row["path"] for row in listed} == {method.path for _, method in EVERY}
    text = run(None, "rpc", "--list").out
    assert text.count("\n") == len(listed)
    assert re.search(
        r"^Generative\.StreamGenerateContent +GenerateContentRequest +server streaming$", text, re.MULTILINE
    )
    some = run(None, "rpc", "--list", "cache").out.splitlines()
    assert len(some) == 5


@pytest.mark.parametrize(
    "name",
    [
        "Generative.CountTokens",
        "generative.count_tokens",
        "GenerativeService.countTokens",
        "v1beta.Generative.CountTokens",
        "google.ai.generativelanguage.v1beta.GenerativeService/CountTokens",
        "/google.ai.generativelanguage.v1beta.GenerativeService/CountTokens",
    ],
)
def test_names(name: str) -> None:
    assert (
        rpc.find_method(name)[1].path == "/google.ai.generativelanguage.v1beta.GenerativeService/CountTokens"
    )
    assert rpc.find_method("v1.Generative.CountTokens")[1].service.endswith(".v1.GenerativeService")
    assert rpc.find_method("google.longrunning.Operations/GetOperation")[1].name == "GetOperation"


def test_every_kind_of_call(gemini: RunningEmulator) -> None:
    gemini.reply("Blue.", pieces=2)
    ask = '{"model": "models/gemini-2.5-flash", "contents": [{"parts": [{"text": "Sky?"}]}]}'
    one = run(gemini.address, "rpc", "Generative.GenerateContent", ask).json
    assert one["candidates"][0]["content"]["parts"] == [{"text": "Blue."}]
    assert run(gemini.address, "rpc", "Generative.GenerateContent", stdin=ask).json["candidates"]
    assert run(gemini.address, "rpc", "Generative.GenerateContent", "-", stdin=ask).json["candidates"]
    lines = run(gemini.address, "rpc", "Generative.StreamGenerateContent", ask).out.splitlines()
    assert len(lines) > 1
    assert all(json.loads(line) for line in lines)
    assert isinstance(run(gemini.address, "rpc", "Model.ListModels", stdin="").json, list)
    talk = '{"setup": {"model": "models/gemini-2.5-flash"}}\n\n{"realtimeInput": {"text": "Hi"}}\n'
    first = run(gemini.address, "rpc", "Generative.BidiGenerateContent", "-", "--json", stdin=talk).out
    assert "setup_complete" in json.loads(first.splitlines()[0])
    corpus = run(gemini.address, "rpc", "Retriever.CreateCorpus", '{"corpus": {"displayName": "x"}}').json
    gone = json.dumps({"name": corpus["name"]})
    assert run(gemini.address, "rpc", "Retriever.DeleteCorpus", gone).json == {}
    tune = {
        "tunedModel": {
            "baseModel": "models/gemini-1.5-flash-001-tuning",
            "tuningTask": {"trainingData": {"examples": {"examples": [{"textInput": "a", "output": "b"}]}}},
        }
    }
    operation = run(gemini.address, "rpc", "Model.CreateTunedModel", json.dumps(tune)).json
    waited = run(gemini.address, "rpc", "Operations.GetOperation", json.dumps({"name": operation["name"]}))
    assert waited.json["metadata"]["@type"].endswith("CreateTunedModelMetadata")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "missing SERVICE.METHOD, such as Generative.CountTokens; see gemwire rpc --list"),
        (("CountTokens", "{}"), "expected SERVICE.METHOD"),
        (
            ("Nobody.Call", "{}"),
            "unknown service 'Nobody'; expected one of AuthToken, Cache, Discuss, FileSearchStore, File",
        ),
        (("Generative.Call", "{}"), "Generative has no method 'Call'; it has GenerateContent"),
        (("--list", "Nobody"), "unknown service 'Nobody'"),
        (("Generative.CountTokens", "{"), "request is not JSON: line 1, column 2"),
        (("Generative.CountTokens", '{\n  "model": "x",\n}'), "request is not JSON: line 3, column 1"),
        (("Generative.CountTokens", "[]"), "request: expected a JSON object for CountTokensRequest, got []"),
        (("Generative.CountTokens", '{"modl": 1}'), "CountTokensRequest has no field 'modl'; it has model"),
        (("Generative.CountTokens", '{"model": 1}'), "request.model: expected string"),
        (("Generative.CountTokens", '{"model": "x", "model": "y"}'), "duplicate key 'model'"),
        (
            ("Generative.CountTokens", '{"contents": [{"parts": [{"txt": ""}]}]}'),
            "request.contents[0].parts[0]: Part has no field 'txt'",
        ),
        (("Generative.BidiGenerateContent", '{}\n{"setup": 5}'), "request on line 2"),
    ],
)
def test_what_is_wrong(arguments: tuple[str, ...], says: str) -> None:
    assert says in complaint(run("127.0.0.1:1", "rpc", *arguments), 2)
