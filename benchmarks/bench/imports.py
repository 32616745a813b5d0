"""The cost of imports: CPU, and memory, in fresh interpreters that take turns."""

from __future__ import annotations

import argparse
import subprocess
import sys

from measure import GEMWIRE, GEMWIRE_GENAI, GEMWIRE_H2, GOOGLE, GOOGLE_GENAI, RAW, Figure, family, installed

IMPORT, IMPORT_MEMORY = "import of the package", "import of the package, memory"
READY, READY_MEMORY = "import to first request", "import to first request, memory"
_REQUEST = "GenerateContentRequest(model='models/m', contents=[{'parts': [{'text': 'hi'}]}])"
_PB = "gemwire_proto.google.ai.generativelanguage.v1beta.generative_service_pb2"
_TYPES = "genai.Client(api_key='k'); types.Content(parts=[types.Part(text='hi')])"
#: The line that stands at the top of a program, and what it does until it has something to send.
PROGRAMS = {
    RAW: ("import grpc", f"import grpc.aio, {_PB} as pb, {_PB}_grpc; pb.{_REQUEST}"),
    GEMWIRE: (
        "import gemwire",
        f"""
from gemwire import v1beta
v1beta.GenerativeServiceAsyncClient(client_options={{"api_key": "k"}})
v1beta.{_REQUEST}
""",
    ),
    GEMWIRE_H2: (
        "import gemwire",
        f"""
from gemwire import v1beta
v1beta.GenerativeServiceAsyncClient(transport="h2_asyncio", client_options={{"api_key": "k"}})
v1beta.{_REQUEST}
""",
    ),
    GEMWIRE_GENAI: (
        "from gemwire import genai",
        f"from gemwire import genai; from gemwire.genai import types; {_TYPES}",
    ),
    GOOGLE: (
        "from google.ai import generativelanguage_v1beta",
        f"""
import asyncio
from google.ai import generativelanguage_v1beta as v1beta
from google.auth.credentials import AnonymousCredentials
async def main():
    v1beta.GenerativeServiceAsyncClient(credentials=AnonymousCredentials())
asyncio.run(main())
v1beta.{_REQUEST}
""",
    ),
    GOOGLE_GENAI: (
        "from google import genai",
        f"from google import genai; from google.genai import types; {_TYPES}",
    ),
}
_PROGRAM = """
import resource
def used(of): return of.ru_utime + of.ru_stime
def held(): return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 1e6
before, at_first = used(resource.getrusage(resource.RUSAGE_SELF)), held()
{}
print((used(resource.getrusage(resource.RUSAGE_SELF)) - before) * 1000, held() - at_first)
"""


def run(program: str) -> tuple[float, float]:
    """Milliseconds of CPU and megabytes that lines take in a fresh interpreter."""
    command = [sys.executable, "-c", _PROGRAM.format(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    milliseconds, megabytes = map(float, done.stdout.split())
    return milliseconds, megabytes


def measure(options: argparse.Namespace) -> list[Figure]:
    rows = [
        (0, Figure(IMPORT, "ms CPU"), Figure(IMPORT_MEMORY, "MB")),
        (1, Figure(READY, "ms CPU"), Figure(READY_MEMORY, "MB")),
    ]
    names = [RAW, GOOGLE_GENAI] if options.aiohttp else [name for name in PROGRAMS if installed(name)]
    for round_ in range(options.rounds + 1):
        by = round_ % len(names)
        for name in names[by:] + names[:by]:
            for index, of_time, of_memory in rows:
                milliseconds, megabytes = run(PROGRAMS[name][index])
                if round_:  # the first one filled the caches
                    of_time.add(name, milliseconds)
                    of_memory.add(name, megabytes)
    return [figure for _, *figures in rows for figure in figures]


if __name__ == "__main__":
    sys.exit(family(measure, __doc__))
