"""Files that a prompt refers to: they must exist, and text files are read into the prompt."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path
from typing import TypeVar

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, shorten
from gemwire_emulator.services.files import get_blob, get_file
from gemwire_emulator.state import State
from gemwire_emulator.storage import SCHEME, Storage
from gemwire_proto import v1beta

_Prompt = TypeVar("_Prompt", v1beta.GenerateContentRequest, v1beta.CachedContent)
#: The URI of a file on any host, or its name. Of other URIs, those of Cloud Storage are read if there is one.
_FILE = re.compile(r"(?:https?://[^/?#]+/v1\w*/)?(files/[^/?#:]+)(?::download)?(?:\?[^#]*)?")
#: Of other hosts, the Gemini API takes videos of YouTube. Vertex AI takes any.
_VIDEO = re.compile(r"https?://(www\.|m\.)?(youtube\.com/|youtu\.be/)")
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
        StatusError: A file does not exist, is not ready, is too large, or is on another host.
    """
    found: dict[tuple[int, int], v1beta.Blob | None] = {}
    for i, content in enumerate(request.contents):
        for j, part in enumerate(content.parts):
            place = f"{path}contents[{i}].parts[{j}]"
            if part.HasField("file_data"):
                found[i, j] = _read_uri(state, call, part.file_data, f"{place}.file_data.file_uri")
            elif part.HasField("inline_data") and not part.inline_data.data:
                raise invalid_argument(f"{place}.inline_data.data", "must not be empty")
    texts = {place: blob for place, blob in found.items() if blob is not None}
    if not texts:
        return request
    prompt = type(request)()
    prompt.CopyFrom(request)
    for (i, j), blob in texts.items():
        prompt.contents[i].parts[j].inline_data.CopyFrom(blob)
    return prompt


def read_file(state: State, call: Call, file: v1beta.FileData, field: str) -> bytes:
    """Return the bytes of a file, as many as count for an embedding; of another address, the address.

    Raises:
        StatusError: The file does not exist, or is not ready.
    """
    address = _FILE.fullmatch(file.file_uri)
    blob = get_blob(state, call.tenant, address[1]) if address else None
    if blob is None:
        return file.file_uri.encode()
    with state.blobs.path(blob).open("rb") as opened:
        return opened.read(_MOST)


def _read_uri(state: State, call: Call, file: v1beta.FileData, field: str) -> v1beta.Blob | None:
    """Return the text of a file on any host; None if it is not text, or cannot be read here."""
    if address := _FILE.fullmatch(file.file_uri):
        return _read(state, call.tenant, address[1], field)
    if call.is_vertex:
        in_storage = state.storage and file.file_uri.startswith(SCHEME)
        return _read_object(state.storage, file, field) if in_storage else None
    if _VIDEO.match(file.file_uri):
        return None
    raise invalid_argument(field, f"Invalid or unsupported file uri: {shorten(file.file_uri)}")


def _read(state: State, tenant: str, name: str, field: str) -> v1beta.Blob | None:
    """Return the text of a file; None if the file is not text."""
    blob, file = get_blob(state, tenant, name), get_file(state, tenant, name)
    return _read_text(state.blobs.path(blob), name, file.mime_type, field) if blob else None


def _read_object(storage: Storage, file: v1beta.FileData, field: str) -> v1beta.Blob | None:
    """Return the text of an object in Cloud Storage, which must exist; None if it is not text."""
    path = storage.find(file.file_uri, field)
    mime_type = file.mime_type or mimetypes.guess_type(path.name)[0] or ""
    return _read_text(path, file.file_uri, mime_type, field)


def _read_text(path: Path, name: str, mime_type: str, field: str) -> v1beta.Blob | None:
    if not mime_type.startswith(_TEXTS):
        return None
    size = path.stat().st_size
    if size > _MOST:
        raise invalid_argument(field, f"{name} has {size} bytes; a text file in a prompt may have {_MOST}")
    return v1beta.Blob(mime_type="text/plain", data=path.read_bytes())
