"""Fields that the API has in JSON alone travel with their messages, to other processes too."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from gemwire._transport.rest.transcode import from_json
from gemwire.genai import types
from gemwire.genai._convert import requests as requests
from gemwire.genai._convert.function_calls import find_functions
from gemwire.genai._convert.prompt import Prompt
from gemwire_proto import v1beta
from gemwire_runtime import json_only_fields

CONFIG = types.GenerateContentConfig(labels={"team": "blue"})


def whole(value: bytes) -> str:
    """What another process finds in a pickled message."""
    program = (
        "import pickle, sys\n"
        "from gemwire_runtime import json_only_fields as _extra\n"
        "found = pickle.load(sys.stdin.buffer)\n"
        "found = found.draft('more').parse() if hasattr(found, 'draft') else getattr(found, '_pb', found)\n"
        "print(_extra.used(), _extra.within(found))"
    )
    ended = subprocess.run([sys.executable, "-c", program], input=value, capture_output=True, check=True)
    return ended.stdout.decode()


def test_a_pickled_message_keeps_them() -> None:
    request = requests.to_generate_content_request("m", "hello", CONFIG)
    assert whole(pickle.dumps(request)) == "True ['labels']\n"
    assert whole(pickle.dumps(types.Content())) == "False []\n"


def test_a_pickled_prompt_keeps_them() -> None:
    prompt = Prompt.build("m", "hello", CONFIG, find_functions(CONFIG))
    assert whole(pickle.dumps(prompt)) == "True ['labels']\n"


@pytest.mark.parametrize("name", ["serviceTier", "service_tier"])
def test_json_has_them_under_either_name(name: str) -> None:
    request = from_json(v1beta.GenerateContentRequest, {"model": "models/m", name: "flex"})
    assert json_only_fields.read(request) == {"serviceTier": "flex"}
