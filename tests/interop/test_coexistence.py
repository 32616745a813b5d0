"""gemwire beside Google's own packages: one process, one wire format."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
import random_messages
from google.ai import generativelanguage_v1 as theirs_v1
from google.ai import generativelanguage_v1beta as theirs_v1beta
from google.cloud import aiplatform_v1 as theirs_aiplatform_v1
from google.protobuf import descriptor_pool, json_format

# Unpacked from the Any fields of the corpus when they are turned into JSON: each pool needs its own.
from google.rpc import error_details_pb2 as _theirs  # noqa: F401

from gemwire import aiplatform_v1, v1, v1beta
from gemwire_proto import POOL
from gemwire_proto.google.rpc import error_details_pb2 as _ours  # noqa: F401

if TYPE_CHECKING:
    from google.protobuf.message import Message

_PACKAGE = "google.ai.generativelanguage"
_VERTEX = "google.cloud.aiplatform.v1"
_FRONTS = {"v1beta": (v1beta, theirs_v1beta), "v1": (v1, theirs_v1)}

_OURS = [
    "import gemwire_proto",
    "from gemwire import aiplatform_v1 as a, v1beta as b; a.Content(); b.GenerateContentRequest()",
]
_THEIRS = [
    "import google.ai.generativelanguage_v1beta, google.cloud.aiplatform_v1",
    "from google import genai; import google.genai.types",
]
_CALL = """
import google.ai.generativelanguage_v1beta as theirs
from gemwire import v1beta
for name in v1beta.__all__:
    getattr(v1beta, name)
ours = v1beta.Content(role="user", parts=[{"text": "hi"}])
assert theirs.Content.pb().FromString(ours.SerializeToString()).parts[0].text == "hi"
assert v1beta.GenerateContentRequest(contents=[theirs.Content(role="x")._pb]).contents[0].role == "x"
from google.cloud import aiplatform_v1 as theirs
from gemwire import aiplatform_v1
for name in aiplatform_v1.__all__:
    getattr(aiplatform_v1, name)
ours = aiplatform_v1.Content(role="user", parts=[{"text": "hi"}])
assert theirs.Content.pb().FromString(ours.SerializeToString()).parts[0].text == "hi"
"""


@pytest.mark.skipif(find_spec("google.genai") is None, reason="google-genai needs Python 3.11")
@pytest.mark.parametrize(
    "order",
    [
        (*_OURS, *_THEIRS),
        (*_THEIRS, *_OURS),
        (_OURS[0], *_THEIRS, _OURS[1]),
        (_THEIRS[1], *_OURS, _THEIRS[0]),
    ],
)
def test_any_import_order(order: tuple[str, ...]) -> None:
    # Deprecations inside Google's packages are not ours to judge, so no -W error here.
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*order, _CALL])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _classes(package: str, fronts: tuple[Any, Any]) -> dict[str, tuple[type[Message], type[Message]]]:
    """Our class and theirs for each message type, each found the way its users name it."""
    found: dict[str, tuple[type[Message], type[Message]]] = {}
    for descriptor in random_messages.public(random_messages.descriptors(POOL, package)):
        our_own, their_own = fronts
        for name in descriptor.full_name.removeprefix(f"{package}.").split("."):
            our_own, their_own = getattr(our_own, name), getattr(their_own, name)
        found[descriptor.full_name] = (our_own, their_own.pb())
    return found


_PAIRS = {
    name: pair
    for version, fronts in _FRONTS.items()
    for name, pair in _classes(f"{_PACKAGE}.{version}", fronts).items()
}
_VERTEX_PAIRS = _classes(_VERTEX, (aiplatform_v1, theirs_aiplatform_v1))


def _json(message: Message, pool: Any) -> Any:
    return _plain(json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=pool))


def _plain(value: Any) -> Any:
    """Undo what Google's generator does to names that Python knows: ``type`` is ``type_`` there."""
    if isinstance(value, dict):
        return {key.removesuffix("_"): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def test_the_corpus_covers_every_type() -> None:
    assert sum(name.startswith(f"{_PACKAGE}.v1beta.") for name in _PAIRS) == 210
    assert sum(name.startswith(f"{_PACKAGE}.v1.") for name in _PAIRS) == 38
    assert len(_VERTEX_PAIRS) == 451


@pytest.mark.parametrize(("our_own", "their_own"), _PAIRS.values(), ids=_PAIRS.keys())
def test_one_wire_format(our_own: type[Message], their_own: type[Message]) -> None:
    assert our_own.DESCRIPTOR.full_name == their_own.DESCRIPTOR.full_name
    assert our_own.DESCRIPTOR is not their_own.DESCRIPTOR
    their_pool = descriptor_pool.Default()
    for sent in map(random_messages.clear_json_only, random_messages.samples(our_own)):
        received = their_own.FromString(sent.SerializeToString())
        assert _json(received, their_pool) == _json(sent, POOL)
        _assert_known(received)
        assert our_own.FromString(received.SerializeToString()) == sent
    for sent in random_messages.samples(their_own):
        received = our_own.FromString(sent.SerializeToString())
        assert _json(received, POOL) == _json(sent, their_pool)
        _assert_known(received)
        assert their_own.FromString(received.SerializeToString()) == sent


@pytest.mark.parametrize(("our_own", "their_own"), _VERTEX_PAIRS.values(), ids=_VERTEX_PAIRS.keys())
def test_one_wire_format_of_vertex_ai(our_own: type[Message], their_own: type[Message]) -> None:
    # Google's package is newer than its public protos and has a field more: one direction is compared.
    assert our_own.DESCRIPTOR is not their_own.DESCRIPTOR
    for sent in map(random_messages.clear_json_only, random_messages.samples(our_own)):
        received = their_own.FromString(sent.SerializeToString())
        assert _json(received, descriptor_pool.Default()) == _json(sent, POOL)
        _assert_known(received)
        assert our_own.FromString(received.SerializeToString()) == sent


def _assert_known(message: Message) -> None:
    """A field that one side lacks would be carried as unknown and left out of both JSON texts."""
    before = message.ByteSize()
    message.DiscardUnknownFields()
    assert message.ByteSize() == before


@pytest.mark.parametrize("version", _FRONTS)
def test_messages_of_googles_package_as_field_values(version: str) -> None:
    our_own, their_own = _FRONTS[version]
    content = their_own.Content.pb()(role="user", parts=[{"text": "hi"}])
    request = their_own.GenerateContentRequest.pb()(contents=[content, content])
    expected = our_own.Content(role="user", parts=[{"text": "hi"}])
    made = our_own.GenerateContentRequest(contents=[content, {"role": "x"}, their_own.Content(content)._pb])
    assert list(made.contents) == [expected, our_own.Content(role="x"), expected]
    assert list(our_own.GenerateContentRequest(contents=request.contents).contents) == [expected] * 2
    nested = our_own.CountTokensRequest(generate_content_request={"contents": [content]})
    assert nested.generate_content_request.contents[0] == expected
    assert (
        our_own.CountTokensRequest(generate_content_request=request).generate_content_request.contents[1]
        == expected
    )
    with pytest.raises(TypeError, match=rf"{version}\.GenerateContentRequest\.contents\[0\]: "):
        our_own.GenerateContentRequest(contents=[their_own.Part.pb()(text="x")])
