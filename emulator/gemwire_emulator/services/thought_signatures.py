"""Thought signatures: tokens on parts of an answer that a later turn must return unchanged."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from gemwire_emulator.errors import invalid_argument
from gemwire_proto import v1beta

_PREFIX = b"emulated-thought-"
#: Models that refuse a function call without its signature.
_STRICT = re.compile(r"models/gemini-[3-9]")


def sign(call: v1beta.FunctionCall | None) -> bytes:
    """Return the signature of a function call, or that of a text."""
    if call is None:
        return _PREFIX + b"text"
    # The id is left out, which programs may add.
    named = v1beta.FunctionCall(name=call.name, args=call.args)
    return _PREFIX + hashlib.sha256(named.SerializeToString(deterministic=True)).hexdigest()[:24].encode()


def needs_signatures(model: str) -> bool:
    """Return whether a model signs all its function calls, and wants the signatures back."""
    return bool(_STRICT.match(model))


def check_signatures(contents: Sequence[v1beta.Content], model: str, path: str = "") -> None:
    """Check the signatures in a conversation.

    Args:
        contents: The conversation. Signatures that the emulator did not make are taken as they are.
        model: The model.
        path: Path of the request, for errors.

    Raises:
        StatusError: INVALID_ARGUMENT; a signature is not that of its part, or the model needs one that is
            missing in the current turn.
    """
    for i, content in enumerate(contents):
        for j, part in enumerate(content.parts):
            signature = part.thought_signature
            if not signature.startswith(_PREFIX):
                continue
            call = part.function_call if part.HasField("function_call") else None
            if signature != sign(call):
                raise invalid_argument(
                    f"{path}contents[{i}].parts[{j}].thought_signature",
                    "Thought signature is not valid: it was made for another part",
                )
    if needs_signatures(model):
        _check_current_turn(contents, path)


def _check_current_turn(contents: Sequence[v1beta.Content], path: str) -> None:
    """Check that the first call of each step has a signature, from the last content of the user on."""
    for i in range(len(contents) - 1, -1, -1):
        content = contents[i]
        results = [part.HasField("function_response") for part in content.parts]
        if content.role != "model" and not any(results):
            return
        for j, part in enumerate(content.parts):
            if not part.HasField("function_call"):
                continue
            if not part.thought_signature:
                raise invalid_argument(
                    f"{path}contents[{i}].parts[{j}].thought_signature",
                    "Function call is missing a thought_signature in functionCall parts: function call"
                    f" `{part.function_call.name}`, position {i + 1}. Return a model's parts unchanged",
                )
            break
