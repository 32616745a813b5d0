"""What it costs to build requests that share much: long chats, prepared prompts, large images; and raw calls.

    python benchmarks/prepared.py [--rounds N] [--short] [--raw] [--json] [--check]

A request is built up to the bytes that are sent: protobuf for gemwire and for Google's generated client
(proto-plus), JSON for google-genai, whose code runs up to the place where it would send them. The variants
take turns; the figures are medians of the CPU time, in microseconds. Nothing is sent, but with ``--raw``:
that compares calls with bytes to calls with messages, over gRPC on loopback. ``--check`` says whether the
limits hold, and fails where one does not.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from gemwire import genai, v1beta
from gemwire.genai import types
from gemwire.genai._convert.chat_history import to_user_content
from gemwire.genai._convert.requests import to_request_head

MODEL = "models/bench"
TURNS = (1, 10, 100, 1000)
#: Bytes of a text so that a chat of 1000 turns makes about 264 KB.
WORDS = "a few words that were said before, " * 7
MESSAGE = "And what follows from that?"
IMAGE = os.urandom(5_000_000)
#: Most that gemwire's ratios may be, to what they are measured against.
LIMITS = {
    ("chat, 1000 turns", "proto-plus"): 0.02,
    ("chat, 1000 turns", "proto-plus, dicts"): 0.01,
    ("chat, 1000 turns", "messages"): 0.06,
    ("prepared, 1000 turns", "proto-plus"): 0.02,
    ("prepared, 1000 turns", "proto-plus, dicts"): 0.01,
    ("prepared, 5 MB image", "messages"): 0.7,
    ("prepared, 5 MB image", "JSON + base64"): 0.05,
}

Variants = dict[str, Callable[[], Any]]


def history(turns: int) -> list[dict[str, Any]]:
    """So many contents, of both sides in turn; the last of a chat is the model's."""
    roles = ("user", "model")
    return [{"role": roles[n % 2], "parts": [{"text": WORDS}]} for n in range(turns)]


def our_chat(client: Any, contents: list[dict[str, Any]]) -> Callable[[], bytes]:
    chat = client.chats.create(model=MODEL, history=contents)

    def build() -> bytes:
        draft, _ = chat._history.draft(to_request_head(chat._model, chat._config), to_user_content(MESSAGE))
        return bytes(draft.serialize().data)

    return build


def our_recording(client: Any, contents: list[dict[str, Any]]) -> Callable[[], Any]:
    """What remembering a turn costs, with the time to forget it again."""
    chat = client.chats.create(model=MODEL, history=contents)
    kept = chat._history
    sent = kept._sent
    asked, answered = (v1beta.Content(**content) for content in history(2))

    def record() -> None:
        kept.record([asked], [answered], True)
        del kept.curated[-2:], kept.comprehensive[-2:]
        kept._sent = sent

    return record


class Stopped(Exception):
    """The request is there."""


def google_genai(contents: Any) -> Callable[[], Any]:
    """google-genai's building of a request."""
    import google.genai
    from google.genai import _transformers

    client = google.genai.Client(api_key="k")

    def request(_verb: str, _path: str, tree: Any, _options: Any) -> Any:
        json.dumps(tree)
        raise Stopped

    client._api_client.request = request  # type: ignore[method-assign, assignment]
    chat = client.chats.create(model=MODEL, history=contents)

    def build() -> None:
        try:
            client.models._generate_content(
                model=MODEL, contents=[*chat._curated_history, _transformers.t_content(MESSAGE)]
            )
        except Stopped:
            return

    return build


def proto_plus(contents: Any, as_dicts: bool) -> Callable[[], bytes]:
    """Google's generated client: contents, or dicts of them, become a request, and bytes."""
    from google.ai import generativelanguage_v1beta as theirs

    kept = contents if as_dicts else [theirs.Content(content) for content in contents]

    def build() -> bytes:
        said = theirs.Content(role="user", parts=[theirs.Part(text=MESSAGE)])
        request = theirs.GenerateContentRequest(model=MODEL, contents=[*kept, said])
        return bytes(theirs.GenerateContentRequest.serialize(request))

    return build


def messages(contents: Any) -> Callable[[], bytes]:
    """Plain protobuf messages: contents that are there already become a request, and bytes."""
    kept = [v1beta.Content(**content) for content in contents]

    def build() -> bytes:
        said = v1beta.Content(role="user", parts=[{"text": MESSAGE}])
        return v1beta.GenerateContentRequest(model=MODEL, contents=[*kept, said]).SerializeToString()

    return build


def image_as_json() -> bytes:
    data = base64.b64encode(IMAGE).decode()
    image = {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}
    return json.dumps({"contents": [image, {"role": "user", "parts": [{"text": MESSAGE}]}]}).encode()


def tables(client: Any, google: bool, genai_too: bool) -> dict[str, Variants]:
    """What is measured against what."""
    found: dict[str, Variants] = {}
    for turns in TURNS:
        contents = history(turns)
        chat: Variants = {"gemwire": our_chat(client, contents)}
        prepared = client.prepare(model=MODEL, contents=[types.Content(**content) for content in contents])
        also: Variants = {"gemwire": lambda prompt=prepared._prompt: prompt.draft(MESSAGE).serialize().data}
        for variants in (chat, also):
            variants["messages"] = messages(contents)
            if google:
                variants["proto-plus"] = proto_plus(contents, as_dicts=False)
                variants["proto-plus, dicts"] = proto_plus(contents, as_dicts=True)
        if genai_too:
            chat["google-genai"] = google_genai(contents)
        unit = "turn" if turns == 1 else "turns"
        found[f"chat, {turns} {unit}"] = chat
        found[f"chat, {turns} {unit}, remembering"] = {"gemwire": our_recording(client, contents)}
        if turns == TURNS[-1]:
            found[f"prepared, {turns} {unit}"] = also
    picture = {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": IMAGE}}]}
    prepared = client.prepare(model=MODEL, contents=types.Content(**picture))
    found["prepared, 5 MB image"] = {
        "gemwire": lambda: prepared._prompt.draft(MESSAGE).serialize().data,
        "messages": messages([picture]),
        "JSON + base64": image_as_json,
    }
    if google:
        found["prepared, 5 MB image"]["proto-plus"] = proto_plus([picture], as_dicts=False)
    return found


def cost(build: Callable[[], Any], budget: float) -> float:
    """CPU of one, in microseconds; it is done for about ``budget`` seconds."""
    count, used = 0, 0.0
    began = time.process_time()
    while used < budget:
        build()
        count += 1
        used = time.process_time() - began
    return used / count * 1e6


def measured(variants: Variants, rounds: int, budget: float) -> dict[str, float]:
    figures: dict[str, list[float]] = {name: [] for name in variants}
    items = list(variants.items())
    for round_ in range(rounds + 1):
        for name, build in items[round_ % len(items) :] + items[: round_ % len(items)]:
            figure = cost(build, budget)
            if round_:
                figures[name].append(figure)
    return {name: statistics.median(values) for name, values in figures.items()}


def rotated(variants: dict[str, Any], by: int) -> list[tuple[str, Any]]:
    items = list(variants.items())
    by %= len(items)
    return items[by:] + items[:by]


async def raw_calls(rounds: int, count: int) -> dict[str, dict[str, float]]:
    """Calls with bytes, and with messages that are made of bytes and become them again, as in a gateway."""
    from overhead import REQUEST, stream_load, unary_load

    data = v1beta.GenerateContentRequest(**REQUEST).SerializeToString()
    client = v1beta.GenerativeServiceAsyncClient()
    raw = client.raw

    async def typed() -> bytes:
        request = v1beta.GenerateContentRequest.FromString(data)
        return (await client.generate_content(request)).SerializeToString()

    async def typed_stream() -> int:
        got = 0
        request = v1beta.GenerateContentRequest.FromString(data)
        async for chunk in await client.stream_generate_content(request):
            chunk.SerializeToString()
            got += 1
        return got

    async def raw_stream() -> int:
        got = 0
        async for _ in await raw.server_stream("StreamGenerateContent", data):
            got += 1
        return got

    unary: dict[str, Any] = {"messages": typed, "gemwire": lambda: raw.unary("GenerateContent", data)}
    streams: dict[str, Any] = {"messages": typed_stream, "gemwire": raw_stream}
    figures: dict[str, dict[str, list[float]]] = {"raw, a call": {}, "raw, a streamed message": {}}
    for round_ in range(rounds + 1):
        for kind, variants, load, many in (
            ("raw, a call", unary, unary_load, count),
            ("raw, a streamed message", streams, stream_load, count * 4),
        ):
            for name, call in rotated(variants, round_):
                figure = await load(call, many)
                if round_:
                    figures[kind].setdefault(name, []).append(figure)
    await client.close()
    return {
        kind: {name: statistics.median(values) for name, values in found.items()}
        for kind, found in figures.items()
    }


def raw_figures(rounds: int, count: int) -> dict[str, dict[str, float]]:
    from overhead import CHUNKS, SERVER

    server = subprocess.Popen([sys.executable, "-c", SERVER, str(CHUNKS)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        os.environ["GEMINI_EMULATOR_HOST"] = f"127.0.0.1:{int(server.stdout.readline())}"
        return asyncio.run(raw_calls(rounds, count))
    finally:
        server.kill()
        server.wait()


def verdict(figures: dict[str, dict[str, float]]) -> int:
    """Print how the limits are kept; 1 where one is not."""
    failed = 0
    for (name, other), limit in LIMITS.items():
        if other not in figures[name]:
            print(f"{name}: {other} is not installed")
            continue
        ratio = figures[name]["gemwire"] / figures[name][other]
        failed |= ratio > limit
        print(f"{name}: {ratio:.4f} of {other}, at most {limit}: {'ok' if ratio <= limit else 'TOO MUCH'}")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--short", action="store_true", help="three short rounds")
    parser.add_argument("--raw", action="store_true", help="raw calls, too")
    parser.add_argument("--json", action="store_true", help="the medians as JSON")
    parser.add_argument("--check", action="store_true", help="fail where a limit is not kept")
    options = parser.parse_args()
    rounds, budget, calls = (3, 0.01, 800) if options.short else (options.rounds, 0.03, 1600)
    google = importlib.util.find_spec("google.ai") is not None
    genai_too = importlib.util.find_spec("google.genai") is not None
    with genai.Client(api_key="k") as client:
        compared = tables(client, google, genai_too)
        figures = {name: measured(variants, rounds, budget) for name, variants in compared.items()}
    if options.raw:
        figures |= raw_figures(rounds, calls)
    if options.json:
        print(json.dumps(figures))
    else:
        print(f"CPU in µs, medians of {rounds} rounds")
        for name, found in figures.items():
            row = "   ".join(f"{variant} {figure:9.1f}" for variant, figure in found.items())
            print(f"{name:32} {row}")
    return verdict(figures) if options.check else 0


if __name__ == "__main__":
    sys.exit(main())
