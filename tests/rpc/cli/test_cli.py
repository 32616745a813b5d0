"""The command ``gemwire``, run as a process against an emulator."""

from __future__ import annotations

import json
from pathlib import Path

import gemwire_command
import pytest
from gemwire_command import Ended, complaint, run

from gemwire import v1beta
from gemwire.cli import line_chart, tuned_models
from gemwire.testing import RunningEmulator, environment

running, gemini = gemwire_command.running, gemwire_command.gemini


def test_generate_from_a_pipe(gemini: RunningEmulator) -> None:
    gemini.reply("Blue.", pieces=2)
    assert run(gemini.address, "generate", stdin="Why?") == Ended(0, "Blue.\n", "")
    (call,) = gemini.calls("StreamGenerateContent")
    assert "Why?" in str(call.requests)
    lines = run(gemini.address, "generate", "--json", "Why?").out.splitlines()
    assert "".join(json.loads(x)["candidates"][0]["content"]["parts"][0]["text"] for x in lines) == "Blue."


def test_counting_and_embedding(gemini: RunningEmulator) -> None:
    counted = run(gemini.address, "count-tokens", "one two three", "--json").json["total_tokens"]
    assert run(gemini.address, "count-tokens", stdin="one two three").out == f"{counted}\n"
    vector = run(gemini.address, "embed", "text", "--dimensions", "8", "--json").json
    assert len(vector) == 8
    lines = run(gemini.address, "embed", "text", "--dimensions", "8").out.splitlines()
    assert [float(x) for x in lines] == vector


def test_models(gemini: RunningEmulator) -> None:
    names = [m["name"] for m in run(gemini.address, "models", "list", "--json").json]
    assert "models/gemini-2.5-flash" in names
    assert run(gemini.address, "models", "list").out.count("\n") == len(names)
    assert run(gemini.address, "models", "get", names[0], "--json").json["name"] == names[0]
    assert f"name: {names[0]}\n" in run(gemini.address, "models", "get", names[0]).out


def test_chat_remembers(gemini: RunningEmulator, tmp_path: Path) -> None:
    gemini.reply("Hello Ann.", match="Ann", pieces=2)
    gemini.reply("Ann it is.", match="name")
    kept = tmp_path / "kept.json"
    script = f"I am Ann.\n/system Be kind.\n/model gemini-2.5-pro\n\nMy name?\n/save {kept}\n/quit\nNot said."
    assert run(gemini.address, "chat", stdin=script) == Ended(0, "Hello Ann.\nAnn it is.\n", "")
    saved = json.loads(kept.read_text(encoding="utf-8"))
    assert saved["model"] == "models/gemini-2.5-pro"
    assert saved["system_instruction"] == {"parts": [{"text": "Be kind."}]}
    said = [(c["role"], c["parts"]) for c in saved["contents"]]
    texts = ("I am Ann.", "Hello Ann.", "My name?", "Ann it is.")
    assert said == [(("user", "model")[n % 2], [{"text": text}]) for n, text in enumerate(texts)]
    assert len(gemini.calls("StreamGenerateContent")) == 2


def test_chat_in_json_forgets_when_told_to(gemini: RunningEmulator, tmp_path: Path) -> None:
    gemini.reply("Yes.")
    kept = tmp_path / "kept.json"
    ended = run(gemini.address, "chat", "--json", stdin=f"A?\n/reset\n//B?\n/help\n/save {kept}\n")
    assert [json.loads(x) for x in ended.out.splitlines()] == [
        {"parts": [{"text": "Yes."}], "role": "model"}
    ] * 2
    assert "/system TEXT" in ended.err
    assert [c["parts"][0]["text"] for c in json.loads(kept.read_text())["contents"]] == ["/B?", "Yes."]


def test_what_goes_wrong_in_a_chat(gemini: RunningEmulator, tmp_path: Path) -> None:
    assert "/nonsense" in complaint(run(gemini.address, "chat", stdin="/nonsense\n"), 2)
    assert "/model needs" in complaint(run(gemini.address, "chat", stdin="/model\n"), 2)
    absent = tmp_path / "absent" / "file"
    assert str(absent) in complaint(run(gemini.address, "chat", stdin=f"/save {absent}\n"), 2)
    gemini.fail("PERMISSION_DENIED", method="StreamGenerateContent")
    assert "PERMISSION_DENIED" in complaint(run(gemini.address, "chat", stdin="Hello\n"), 1)


def test_tuned_models(gemini: RunningEmulator, tmp_path: Path) -> None:
    examples = tmp_path / "examples.csv"
    examples.write_text("text_input,output\n" + "".join(f"{n},{n + 1}\n" for n in range(8)))
    made = run(gemini.address, "tuned-models", "create", str(examples), "--id", "plus", "--epochs", "4")
    assert (made.code, made.out) == (0, "tunedModels/plus\n")
    assert made.err.startswith("mean loss over ")
    assert made.err.count("│") == 8
    lines = '{"text_input": "a", "output": "b"}\n'
    other = run(gemini.address, "tuned-models", "create", "-", "--json", stdin=lines)
    assert other.json["state"] == "ACTIVE"
    assert other.err == ""
    begun = run(gemini.address, "tuned-models", "create", "-", "--no-wait", stdin=lines)
    assert begun.out.startswith("tunedModels/")
    listed = run(gemini.address, "tuned-models", "list", "--filter", "owner:me", "--json").json
    assert {"tunedModels/plus", other.json["name"], begun.out.strip()} == {m["name"] for m in listed}
    assert "tunedModels/plus" in run(gemini.address, "tuned-models", "list").out
    changed = run(gemini.address, "tuned-models", "update", "plus", "--display-name", "Plus", "--json").json
    assert changed["display_name"] == "Plus"
    got = run(gemini.address, "tuned-models", "get", "plus")
    assert "display_name: Plus\n" in got.out
    assert "mean loss" in got.err
    assert run(gemini.address, "generate", "-m", "tunedModels/plus", "3").out == "4\n"
    assert run(gemini.address, "tuned-models", "delete", "plus") == Ended(0, "", "")
    assert "NOT_FOUND" in complaint(run(gemini.address, "tuned-models", "get", "plus"), 1)
    assert "--display-name" in complaint(run(gemini.address, "tuned-models", "update", "plus"), 2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "first line"),
        ("question,answer\na,b\n", "first line"),
        ("text_input,output\n", "no examples"),
        ("text_input,output\na,b\nc\n", "line 3"),
        ('{"text_input": "a"}', "line 1"),
        ('{"text_input": "a", "output": "b"}\n{', "not JSON lines"),
    ],
)
def test_examples_that_are_none(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tuned_models.parse_examples(text)


def test_a_curve() -> None:
    assert line_chart.line_chart([4, 3, 2, 1], width=4, height=4, braille=False) == [
        "4 |*",
        "  | *",
        "  |  *",
        "1 |   *",
    ]
    assert len(line_chart.line_chart([1.0])) == 8
    assert line_chart.line_chart([2.0, 2.0], width=2, height=2, braille=False)[0] == "2 |**"


def test_files(gemini: RunningEmulator) -> None:
    with environment(gemini), v1beta.FileServiceClient() as client:
        client.create_file({"file": {"name": "files/photo", "display_name": "Photo"}})
    assert [f["name"] for f in run(gemini.address, "files", "list", "--json").json] == ["files/photo"]
    assert "files/photo" in run(gemini.address, "files", "list").out
    assert run(gemini.address, "files", "get", "photo", "--json").json["display_name"] == "Photo"
    assert "display_name: Photo\n" in run(gemini.address, "files", "get", "photo").out
    assert run(gemini.address, "files", "delete", "photo").code == 0
    assert run(gemini.address, "files", "list", "--json").json == []


def test_caches(gemini: RunningEmulator, tmp_path: Path) -> None:
    book = tmp_path / "book.txt"
    book.write_text("word " * 5000)
    made = run(
        gemini.address, "caches", "create", "--file", str(book), "--ttl", "60", "--display-name", "Book"
    )
    name = made.out.strip()
    assert name.startswith("cachedContents/")
    (listed,) = run(gemini.address, "caches", "list", "--json").json
    assert (listed["name"], listed["display_name"]) == (name, "Book")
    assert name in run(gemini.address, "caches", "list").out
    later = run(gemini.address, "caches", "update", name, "--ttl", "600", "--json").json
    assert later["expire_time"] > listed["expire_time"]
    assert run(gemini.address, "caches", "get", name, "--json").json == later
    assert run(gemini.address, "caches", "delete", name).code == 0
    assert "PERMISSION_DENIED" in complaint(run(gemini.address, "caches", "get", name), 1)


def test_corpora(gemini: RunningEmulator) -> None:
    assert run(gemini.address, "corpora", "create", "Notes", "--id", "notes").out == "corpora/notes\n"
    request = '{"parent": "corpora/notes", "document": {"display_name": "Facts"}}'
    document = run(gemini.address, "rpc", "Retriever.CreateDocument", request).json
    for text in ("The sky is blue.", "Bread is baked."):
        chunk = {"parent": document["name"], "chunk": {"data": {"string_value": text}}}
        assert run(gemini.address, "rpc", "Retriever.CreateChunk", stdin=json.dumps(chunk)).code == 0
    found = run(gemini.address, "corpora", "query", "notes", "The sky is blue.", "--json").json
    assert found[0]["chunk"]["data"]["string_value"] == "The sky is blue."
    asked = run(gemini.address, "corpora", "query", "notes", "--count", "1", stdin="Bread is baked.").out
    assert asked.count("\n") == 1
    assert "Bread is baked." in asked
    assert [c["name"] for c in run(gemini.address, "corpora", "list", "--json").json] == ["corpora/notes"]
    assert "display_name: Notes\n" in run(gemini.address, "corpora", "get", "notes").out
    assert "FAILED_PRECONDITION" in complaint(run(gemini.address, "corpora", "delete", "notes"), 1)
    assert run(gemini.address, "corpora", "delete", "notes", "--force").code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nonsense",), "nonsense"),
        (("generate", "--nonsense"), "--nonsense"),
        (("caches", "update", "x"), "--ttl"),
        (("rpc", "Nobody.Call", "{}"), "Nobody"),
        (("rpc", "Generative.CountTokens", "{"), "line 1, column 2"),
        (("generate", "x", "--file", "absent.txt"), "absent.txt"),
        (("tuned-models", "create", "absent.csv"), "absent.csv"),
        (("serve", "--port", "x"), "--port"),
    ],
)
def test_wrong_use(gemini: RunningEmulator, arguments: tuple[str, ...], says: str) -> None:
    assert says in complaint(run(gemini.address, *arguments), 2)


def test_serve_has_the_options_of_the_emulator() -> None:
    ended = run(None, "serve", "--help")
    assert ended.code == 0
    assert "--first-token SECONDS" in ended.out
