"""Cloud Storage as a folder: what is read from it, and that nothing outside of it can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asynchronous import awaited
from emulator_calls import Refusal, emulator

from gemwire_emulator.__main__ import main
from gemwire_emulator.server import Emulator, Settings

_PARENT = "projects/my-project/locations/us-central1"
_MODEL = f"{_PARENT}/publishers/google/models/gemini-2.5-flash"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "storage"
    (made / "my-bucket" / "a").mkdir(parents=True)
    (made / "my-bucket" / "a" / "story.txt").write_text("Once upon a time.", encoding="utf-8")
    (made / "my-bucket" / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (made / "my-bucket" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (made / "my-bucket" / "out").symlink_to(tmp_path)
    return made


def _ask(uri: str, mime_type: str = "text/plain") -> list[dict[str, Any]]:
    file = {"file_data": {"file_uri": uri, "mime_type": mime_type}}
    return [{"role": "user", "parts": [{"text": "Go on."}, file]}]


@awaited
async def test_text_files_of_prompts_and_caches(folder: Path) -> None:
    async with emulator(storage=folder) as (_, call):
        contents = _ask("gs://my-bucket/a/story.txt")
        counted = await call("aiplatform.CountTokens", endpoint=_MODEL, contents=contents)
        alone = await call(
            "aiplatform.CountTokens", endpoint=_MODEL, contents=[{"parts": [{"text": "Go on."}]}]
        )
        assert counted.total_tokens == alone.total_tokens + 5
        assert (await call("aiplatform.GenerateContent", model=_MODEL, contents=contents)).candidates
        picture = await call(
            "aiplatform.GenerateContent", model=_MODEL, contents=_ask("gs://my-bucket/cat.png", "image/png")
        )
        assert picture.candidates
        cached = await call(
            "aiplatform.CreateCachedContent",
            parent=_PARENT,
            cached_content={"model": _MODEL, "contents": contents},
        )
    assert cached.usage_metadata.total_token_count == counted.total_tokens


@pytest.mark.parametrize(
    ("uri", "code", "words"),
    [
        (
            "gs://my-bucket/none.txt",
            "NOT_FOUND",
            "none.txt' was not found: there is no file /",
        ),
        ("gs://my-bucket/a", "NOT_FOUND", "was not found"),
        ("gs://my-bucket/../../secret.txt", "INVALID_ARGUMENT", "is outside the directory of --storage"),
        ("gs://my-bucket/a/./story.txt", "INVALID_ARGUMENT", "is outside the directory of --storage"),
        ("gs://my-bucket//etc/passwd", "INVALID_ARGUMENT", "is outside the directory of --storage"),
        ("gs://my-bucket/link.txt", "INVALID_ARGUMENT", "leads out of the directory of --storage by a link"),
        (
            "gs://my-bucket/out/secret.txt",
            "INVALID_ARGUMENT",
            "leads out of the directory of --storage by a link",
        ),
        ("gs://my-bucket/a\\..\\x", "INVALID_ARGUMENT", "is outside the directory of --storage"),
        ("gs://my-bucket/" + "ä" * 200, "INVALID_ARGUMENT", "or does not name a file"),
        ("gs://../secret.txt", "INVALID_ARGUMENT", "is not of the form gs://bucket/name"),
        ("gs://my-bucket", "INVALID_ARGUMENT", "is not of the form gs://bucket/name"),
        ("gs:///a", "INVALID_ARGUMENT", "is not of the form gs://bucket/name"),
    ],
)
@awaited
async def test_what_cannot_be_read(folder: Path, uri: str, code: str, words: str) -> None:
    async with emulator(storage=folder) as (_, call):
        refusal: Refusal = await call.refused("aiplatform.GenerateContent", model=_MODEL, contents=_ask(uri))
    assert refusal.code == code
    assert words in refusal.message
    assert len(refusal.message) < 1000


@awaited
async def test_without_a_folder_addresses_are_taken_unread() -> None:
    async with emulator() as (_, call):
        answer = await call("aiplatform.GenerateContent", model=_MODEL, contents=_ask("gs://no/such.txt"))
    assert answer.candidates


@awaited
async def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        await Emulator(Settings(storage=tmp_path / "none")).start()


def test_the_command_names_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--storage", str(tmp_path / "none")])
    assert ended.value.code == 2
    assert f"--storage: the directory {tmp_path / 'none'} does not exist" in capsys.readouterr().err
