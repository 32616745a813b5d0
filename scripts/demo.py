"""What scripts/demo runs: the emulator in a process, and a question to it over a real socket."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

from gemwire import v1beta

_KIND = (
    "It is a language model of 135 million parameters, a toy beside Gemini, and often wrong."
    " For a larger one: python -m gemwire_emulator --engine local --gguf FILE"
)


async def ask(question: str) -> None:
    """Print the answer as it comes."""
    async with v1beta.GenerativeServiceAsyncClient() as client:
        stream = await client.stream_generate_content(
            model="models/gemini-2.5-flash",
            contents=[{"role": "user", "parts": [{"text": question}]}],
            timeout=300,
        )
        async for chunk in stream:
            for part in chunk.candidates[0].content.parts:
                print(part.text, end="", flush=True)
    print()


def main() -> int:
    """Start the emulator, ask, end it."""
    question = " ".join(sys.argv[1:]) or "Why is the sky blue?"
    command = [sys.executable, "-m", "gemwire_emulator", "--engine", "local", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            ready = json.loads((emulator.stdout.readline() if emulator.stdout else "") or "{}")
            if not ready:
                return emulator.wait()
            print(f"{ready['model']} answers, over gRPC from {ready['grpc']}.", file=sys.stderr)
            print(_KIND, file=sys.stderr)
            os.environ["GEMINI_EMULATOR_HOST"] = ready["grpc"]
            asyncio.run(ask(question))
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:
            # The reader of a pipe has heard enough. Python would complain once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 141
        finally:
            emulator.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
