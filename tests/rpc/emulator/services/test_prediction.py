"""PredictionService: pictures at once, films as operations; real files that say that they are emulated."""

from __future__ import annotations

import asyncio
import base64
import struct
import zlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from emulator_calls import emulator
from eventually import comes_in_loop
from google.protobuf import json_format

from gemwire_emulator.engines import images, jpeg
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import struct_pb2

IMAGEN = "models/imagen-3.0-generate-002"
VEO = "models/veo-2.0-generate-001"
NOW = 1_800_000_000.0


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def value(data: Any) -> Any:
    return json_format.ParseDict(data, struct_pb2.Value())


def asked(prompt: str = "a cat", **parameters: Any) -> dict[str, Any]:
    return {"instances": [value({"prompt": prompt})], "parameters": value(parameters)}


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunks of a PNG file, with verified checksums."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    found, at = [], 8
    while at < len(png):
        [length] = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.pack(">I", zlib.crc32(kind + data)) == png[at + 8 + length : at + 12 + length]
        found.append((kind, data))
        at += 12 + length
    return found


def pixels(png: bytes) -> tuple[int, int, bytes]:
    parts = dict(chunks(png))
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    raw = zlib.decompress(parts[b"IDAT"])
    assert len(raw) == height * (1 + 3 * width)
    return width, height, raw


def test_pictures_are_real_files_decided_by_the_prompt() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            answer = await call("Predict", model=IMAGEN, **asked(sampleCount=3, aspectRatio="16:9"))
            found = [json_format.MessageToDict(p) for p in answer.predictions]
            assert [(f["mimeType"], f["emulated"]) for f in found] == [("image/png", True)] * 3
            files = [base64.b64decode(f["bytesBase64Encoded"]) for f in found]
            assert len(set(files)) == 3
            assert pixels(files[0])[:2] == (64, 36)
            assert images.NOTE.encode() in dict(chunks(files[0]))[b"tEXt"]
            again = await call("Predict", model=IMAGEN, **asked(sampleCount=3, aspectRatio="16:9"))
            assert again == answer
            [other] = (await call("Predict", model=IMAGEN, **asked("a dog"))).predictions
            assert other.struct_value["bytesBase64Encoded"] != found[0]["bytesBase64Encoded"]

    run(test())


def test_pictures_as_jpeg() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            fields = asked(aspectRatio="16:9", outputOptions={"mimeType": "image/jpeg"})
            [prediction] = (await call("Predict", model=IMAGEN, **fields)).predictions
            found = json_format.MessageToDict(prediction)
            assert found["mimeType"] == "image/jpeg"
            picture = base64.b64decode(found["bytesBase64Encoded"])
            assert picture.startswith(b"\xff\xd8\xff\xe0")
            assert picture.endswith(b"\xff\xd9")
            assert images.NOTE.encode() in picture
            frame = picture.index(b"\xff\xc0")
            assert struct.unpack(">HH", picture[frame + 5 : frame + 9]) == (36, 64)

    run(test())


def test_what_jpeg_holds() -> None:
    black = jpeg.encode([bytes(24)] * 8, "")
    white = jpeg.encode([b"\xff" * 24] * 8, "")
    scans = [file[file.index(b"\xff\xda") + 14 : -2] for file in (black, white)]
    # Category 8 and -128; category 7 and 127; then no colour, twice.
    assert [f"{int.from_bytes(scan, 'big'):024b}" for scan in scans] == [
        "100001111111000000000001",
        "011111111110000000000011",
    ]


def test_marked_prompts_give_no_picture() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            mark = "[[block:HARM_CATEGORY_SEXUALLY_EXPLICIT]]"
            assert not (await call("Predict", model=IMAGEN, **asked(mark))).predictions
            told = await call("Predict", model=IMAGEN, **asked(mark, includeRaiReason=True))
            [only] = told.predictions
            assert "blocks" in only.struct_value["raiFilteredReason"]

    run(test())


def test_films_are_operations() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            fields = asked(sampleCount=2, durationSeconds=5)
            operation = await call("PredictLongRunning", model=VEO, **fields)
            assert operation.name.startswith(f"{VEO}/operations/")
            assert operation.metadata.type_url.endswith(".PredictLongRunningMetadata")
            running.state.clock.advance(1)
            assert not (await call("GetOperation", name=operation.name)).done
            running.state.clock.advance(1)
            operation = await call("WaitOperation", name=operation.name)
            assert operation.done
            response = v1beta.PredictLongRunningResponse.FromString(operation.response.value)
            first, second = (s.video.video for s in response.generate_video_response.generated_samples)
            assert first != second
            kinds = [kind for kind, _ in chunks(first)]
            assert kinds.count(b"fcTL") == 20
            assert kinds.count(b"fdAT") == 19
            assert images.NOTE.encode() in dict(chunks(first))[b"tEXt"]

    run(test())


def test_films_may_be_cancelled_or_filtered() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            cancelled = await call("PredictLongRunning", model=VEO, **asked())
            await call("CancelOperation", name=cancelled.name)
            mark = "[[block:HARM_CATEGORY_HARASSMENT]]"
            filtered = await call("PredictLongRunning", model=VEO, **asked(mark, sampleCount=2))
            running.state.clock.advance(2)
            filtered = await call("WaitOperation", name=filtered.name)
            response = v1beta.PredictLongRunningResponse.FromString(filtered.response.value)
            assert response.generate_video_response.rai_media_filtered_count == 2
            assert not response.generate_video_response.generated_samples
            assert (await call("GetOperation", name=cancelled.name)).error.code == 1

    run(test())


def test_films_may_fail_on_purpose() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            operation = await call("PredictLongRunning", model=VEO, **asked("a cat [[fail:UNAVAILABLE]]"))
            running.state.clock.advance(2)
            assert (await call("WaitOperation", name=operation.name)).error.code == 14
            refused = await call.refused("PredictLongRunning", model=VEO, **asked("[[fail:X]]"))
            assert refused.fields == ["instances[0].prompt"]

    run(test())


def test_films_go_on_after_a_restart(tmp_path: Path) -> None:
    async def test() -> None:
        state = tmp_path / "state"
        async with emulator(frozen_at=NOW, state=state) as (_, call):
            operation = await call("PredictLongRunning", model=VEO, **asked())
        async with emulator(frozen_at=NOW + 1, state=state) as (running, call):
            assert await comes_in_loop(lambda: running.state.tasks)
            assert not (await call("GetOperation", name=operation.name)).done
            running.state.clock.advance(1)
            assert (await call("WaitOperation", name=operation.name)).done

    run(test())


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "instances"),
        ({"instances": [value("a cat")]}, "instances[0]"),
        ({"instances": [value({})]}, "instances[0].prompt"),
        ({"instances": [value({"prompt": 1})]}, "instances[0].prompt"),
        ({"instances": [value({"prompt": "x"})] * 2}, "instances"),
        ({**asked(), "parameters": value([1])}, "parameters"),
        (asked(sampleCount=0), "parameters.sampleCount"),
        (asked(sampleCount=5), "parameters.sampleCount"),
        (asked(sampleCount=1.5), "parameters.sampleCount"),
        (asked(sampleCount="1"), "parameters.sampleCount"),
        (asked(sampleCount=True), "parameters.sampleCount"),
        (asked(aspectRatio="2:1"), "parameters.aspectRatio"),
        (asked(seed=-1), "parameters.seed"),
    ],
)
def test_bad_requests(fields: dict[str, Any], field: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for rpc, model in (("Predict", IMAGEN), ("PredictLongRunning", VEO)):
                refused = await call.refused(rpc, model=model, **fields)
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [field])

    run(test())


def test_models_and_formats_that_there_are_not() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            assert (await call.refused("Predict", model=VEO, **asked())).code == "NOT_FOUND"
            assert (await call.refused("PredictLongRunning", model=IMAGEN, **asked())).code == "NOT_FOUND"
            assert (await call.refused("Predict", **asked())).fields == ["model"]
            gif = asked(outputOptions={"mimeType": "image/gif"})
            refused = await call.refused("Predict", model=IMAGEN, **gif)
            assert refused.fields == ["parameters.outputOptions.mimeType"]

    run(test())
