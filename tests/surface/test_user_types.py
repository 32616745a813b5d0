"""Type checkers accept a user's program and find its mistakes: each marked line, and no other."""

from __future__ import annotations

import json
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import mypy.api
import pytest

from gemwire.genai import types

_ROOT = Path(__file__).parents[2]
_SOURCES = ("client", "runtime", "generated")

#: The lines that end in ``# error`` are wrong; a type checker reports them and nothing else.
_PROGRAM = '''
from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

from gemwire import genai
from gemwire.genai import errors, types


@dataclasses.dataclass
class Lake:
    name: str


def tide(port: str) -> str:
    """Tell the height of the tide."""
    return port


client = genai.Client(http_options={"timeout": 20_000, "retry_options": {"attempts": 3}})
genai.Client(http_options={"time_out": 20_000})  # error: unknown key
genai.Client(http_options={"timeout": "20s"})  # error: wrong type
MODEL = "gemini-2.5-flash"

# Configs as dicts.
client.models.generate_content(model=MODEL, contents="Hi", config={"temperature": 0.2, "tools": [tide]})
client.models.generate_content(model=MODEL, contents="Hi", config={"system_instruction": "Be brief."})
client.models.generate_content(model=MODEL, contents="Hi", config={"response_schema": list[Lake]})
client.models.generate_content(model=MODEL, contents="Hi", config={"temprature": 1})  # error: unknown key
client.models.generate_content(model=MODEL, contents="Hi", config={"temperature": "hot"})  # error: wrong type
client.models.generate_content(model=MODEL, contents="Hi", config={"http_options": {"x": 1}})  # error: nested
safe: types.GenerateContentConfigDict = {"safety_settings": [{"threshold": "BLOCK_NONE"}]}
unsafe: types.GenerateContentConfigDict = {"safety_settings": [{"treshold": "BLOCK_NONE"}]}  # error: nested
client.models.count_tokens(model=MODEL, contents="Hi", config={"temperature": 1})  # error: another's key
client.models.embed_content(model=MODEL, contents=["a"], config={"output_dimensionality": 3})
client.models.embed_content(model=MODEL, contents=["a"], config={"dimensions": 3})  # error: unknown key
client.caches.create(model=MODEL, config={"ttl": "60s", "contents": ["a"]})
client.caches.create(model=MODEL, config={"tll": "60s"})  # error: unknown key
client.files.upload(file="a.txt", config={"display_name": "A"})
client.files.upload(file="a.txt", config={"title": "A"})  # error: unknown key
client.models.list(config={"page_size": 5, "query_base": False})
client.models.list(config={"page_size": "5"})  # error: wrong type
typed: types.GenerateContentConfigDict = {"max_output_tokens": 5}
client.models.generate_content(model=MODEL, contents="Hi", config=typed)
wrong: types.GenerateContentConfigDict = {"max_tokens": 5}  # error: unknown key
given: types.GenerateContentConfigOrDict = {"max_output_tokens": 5}
client.models.generate_content(model=MODEL, contents="Hi", config=given)
bad: types.GenerateContentConfigOrDict = {"max_tokens": 5}  # error: unknown key

# Configs as objects.
config = types.GenerateContentConfig(temperature=0.5, tools=[tide], safety_settings=[])
given = config
client.models.generate_content(model=MODEL, contents="Hi", config=config)
types.GenerateContentConfig(temperature="hot")  # error: wrong type
types.GenerateContentConfig(temprature=1)  # error: unknown field
config.temprature  # error: unknown attribute
client.models.generate_content(model=MODEL, contents="Hi", config=types.CreateBatchJobConfig())  # error: type

# Contents.
part = types.Part.from_bytes(data=b"a", mime_type="image/png")
client.models.generate_content(model=MODEL, contents=["What is this?", part, types.UserContent("a")])
client.models.generate_content(model=MODEL, contents={"role": "user", "parts": [{"text": "a"}]})
client.models.generate_content(model=MODEL, contents={"role": "user", "parts": [{"txt": "a"}]})  # error: key
client.models.generate_content(model=MODEL, contents=client.files.upload(file="a"))
client.models.generate_content(model=MODEL, contents=3)  # error: wrong type
client.models.generate_content(model=MODEL, contents=[Path("a")])  # error: wrong type
client.models.generate_content(MODEL, "Hi")  # error: keywords only

# Responses.
response = client.models.generate_content(model=MODEL, contents="Hi")
text: str | None = response.text
calls: list[types.FunctionCall] = [call for call in response.function_calls or ()]
if response.candidates and response.usage_metadata:
    reason: types.FinishReason | None = response.candidates[0].finish_reason
    count: int | None = response.usage_metadata.total_token_count
response.txt  # error: unknown attribute
number: int = response.text  # error: wrong type
for chunk in client.models.generate_content_stream(model=MODEL, contents="Hi"):
    print(chunk.text)
    chunk.tokens  # error: unknown attribute
for model in client.models.list():
    print(model.display_name)
    model.cost  # error: unknown attribute
job = client.batches.get(name="batches/a")
if job.dest and job.dest.inlined_responses:
    job.dest.inlined_responses[0].respons  # error: unknown attribute
try:
    chat = client.chats.create(model=MODEL, config={"temperature": 1})
    print(chat.send_message("Hi").text)
except errors.APIError as error:
    print(error.code)


async def main() -> None:
    async with genai.Client().aio as aio:
        answer = await aio.models.generate_content(model=MODEL, contents="Hi", config={"seed": 1})
        print(answer.text)
        answer.txt  # error: unknown attribute
        await aio.models.generate_content(model=MODEL, contents="Hi", config={"sead": 1})  # error: key
        aio.models.generate_content(model=MODEL, contents="Hi").text  # error: not awaited


asyncio.run(main())
'''


def _mypy(program: Path) -> tuple[set[int], str]:
    options = ["--strict", "--config-file", str(_ROOT / "pyproject.toml"), "--no-error-summary"]
    output, _, _ = mypy.api.run([*options, "--cache-dir", str(program.parent / "cache"), str(program)])
    lines = [line for line in output.splitlines() if "program.py:" in line and ": error: " in line]
    return {int(line.partition("program.py:")[2].partition(":")[0]) for line in lines}, output


def _pyright(program: Path) -> tuple[set[int], str]:
    settings = {
        "include": [program.name],
        "extraPaths": [str(_ROOT / source) for source in _SOURCES],
        "pythonVersion": "3.10",
        "typeCheckingMode": "standard",
        "reportUnusedExpression": "none",
    }
    (program.parent / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("pyright")), "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=program.parent, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]
    errors = [item for item in found if item["severity"] == "error"]
    return {item["range"]["start"]["line"] + 1 for item in errors}, done.stdout


def test_a_config_or_dict_is_a_union_when_a_program_runs() -> None:
    assert typing.get_args(types.HttpOptionsOrDict) == (types.HttpOptions, types.HttpOptionsDict)
    assert typing.get_args(types.GetFileConfigOrDict | None)[-1] is type(None)
    with pytest.raises(AttributeError, match="NoneSuchOrDict"):
        _ = types.NoneSuchOrDict  # type: ignore[attr-defined]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("check", [_mypy, _pyright])
def test_mistakes_are_found(check: Callable[[Path], tuple[set[int], str]], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM, encoding="utf-8")
    found, output = check(program)
    expected = {number for number, line in enumerate(_PROGRAM.splitlines(), 1) if "# error" in line}
    assert found == expected, output
