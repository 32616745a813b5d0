"""Files that a prompt refers to: they must exist, and text files are read into the prompt."""

from __future__ import annotations

import re
from typing import TypeVar

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.services.files import get_blob, get_file
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_Prompt = TypeVar("_Prompt", v1beta.GenerateContentRequest, v1beta.CachedContent)
#: The URI of a file on any host, or its name; other URIs are ignored.
_FILE = re.compile(r"(?:https?://[^/?#]+/v1\w*/)?(files/[^/?#:]+)(?::download)?(?:\?[^#]*)?")
#: Bytes of a text file, more than any engine's token limit allows.
_MOST = 8 * 2**20
_TEXTS = ("text/", "application/json", "application/xml", "application/javascript")


def inline_text_files(state: State, call: Call, request: _Prompt, path: str = "") -> _Prompt:
    """Return a prompt with its text files as inline data; the prompt itself if it has none.

    Args:
        state: State of the emulator.
        call: The call.
        request: The prompt, which is not changed.
        path: Path of the prompt in the request, for errors.

    Raises:
        StatusError: A file does not exist, is not ready, or is too large.
    """
    found: dict[tuple[int, int], v1beta.Blob | None] = {}
    for i, content in enumerate(request.contents):
        for j, part in enumerate(content.parts):
            address = _FILE.fullmatch(part.file_data.file_uri) if part.HasField("file_data") else None
            if address:
                field = f"{path}contents[{i}].parts[{j}].file_data.file_uri"
                found[i, j] = _read(state, call.tenant, address[1], field)
    texts = {place: blob for place, blob in found.items() if blob is not None}
    if not texts:
        return request
    prompt = type(request)()
    prompt.CopyFrom(request)
    for (i, j), blob in texts.items():
        prompt.contents[i].parts[j].inline_data.CopyFrom(blob)
    return prompt


def _read(state: State, tenant: str, name: str, field: str) -> v1beta.Blob | None:
    """Return the text of a file; None if the file is not text."""
    blob, file = get_blob(state, tenant, name), get_file(state, tenant, name)
    if not blob or not file.mime_type.startswith(_TEXTS):
        return None
    if file.size_bytes > _MOST:
        raise invalid_argument(
            field, f"{name} has {file.size_bytes} bytes; a text file in a prompt may have {_MOST}"
        )
    return v1beta.Blob(mime_type="text/plain", data=state.blobs.path(blob).read_bytes())
