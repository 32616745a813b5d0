"""Files that a prompt refers to: they must be there, and what is text in them is read."""

from __future__ import annotations

import re
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.services.files import content_of, file_of
from gemwire_emulator.state import State
from gemwire_proto import v1beta

#: A file's address, whatever host it names, or its name; other addresses are not looked at.
_FILE = re.compile(r"(?:https?://[^/?#]+/v1\w*/)?(files/[^/?#:]+)(?::download)?(?:\?[^#]*)?")
#: Bytes of text that no engine's limit on tokens leaves room for.
_MOST = 8 * 2**20
_TEXTS = ("text/", "application/json", "application/xml", "application/javascript")


def attached(state: State, call: Call, request: Any, path: str = "") -> Any:
    """A prompt with its text files as inline data; itself where it has none.

    Args:
        state: Where the files are.
        call: Whose files may be read.
        request: A GenerateContentRequest or a CachedContent; it is not changed.
        path: Where it is in the request of the call.

    Raises:
        StatusError: A file is not there, not ready, or too large for a prompt.
    """
    found: dict[tuple[int, int], Any] = {}
    for i, content in enumerate(request.contents):
        for j, part in enumerate(content.parts):
            address = _FILE.fullmatch(part.file_data.file_uri) if part.HasField("file_data") else None
            if address:
                where = f"{path}contents[{i}].parts[{j}].file_data.file_uri"
                found[i, j] = _read(state, call.tenant, address[1], where)
    texts = {place: blob for place, blob in found.items() if blob is not None}
    if not texts:
        return request
    prompt = type(request)()
    prompt.CopyFrom(request)
    for (i, j), blob in texts.items():
        prompt.contents[i].parts[j].inline_data.CopyFrom(blob)
    return prompt


def _read(state: State, tenant: str, name: str, where: str) -> Any:
    """A Blob with a file's text; None for what is no text."""
    content, file = content_of(state, tenant, name), file_of(state, tenant, name)
    if not content or not file.mime_type.startswith(_TEXTS):
        return None
    if file.size_bytes > _MOST:
        raise invalid_argument(
            where, f"{name} has {file.size_bytes} bytes; of text, a prompt may have {_MOST}"
        )
    return v1beta.Blob(mime_type="text/plain", data=state.blobs.path(content).read_bytes())
