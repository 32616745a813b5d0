"""Media types of bytes and file names, and Pillow images."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from gemwire.genai._types.content import PILImage

#: Signatures of file formats: offset, bytes, media type.
_SIGNATURES = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (0, b"%PDF-", "application/pdf"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mp3"),
    (0, b"\xff\xfb", "audio/mp3"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
)


def guess_from_name(name: str) -> str | None:
    """Return the media type of a file name or URI; None if it does not tell."""
    import mimetypes

    return mimetypes.guess_type(name)[0]


def guess_from_bytes(data: bytes | bytearray, argument: str) -> str:
    """Return the media type whose signature the bytes begin with.

    Raises:
        ValueError: The bytes begin with no known signature.
    """
    for at, signature, found in _SIGNATURES:
        if data[at : at + len(signature)] == signature:
            return found
    raise ValueError(
        f"{argument}: the media type of these bytes is unknown; "
        "use types.Part.from_bytes(data=…, mime_type=…)"
    )


def read_file(location: str | Path, mime_type: str | None) -> tuple[bytes, str]:
    """Read a file; return its bytes and its media type.

    Args:
        location: Path of the file.
        mime_type: Media type of the file. Default: guessed from its name, then from its first bytes.

    Raises:
        OSError: The file cannot be read.
        ValueError: No media type was given and the file does not tell it.
    """
    data = Path(location).read_bytes()
    return data, mime_type or guess_from_name(str(location)) or guess_from_bytes(data, "location")


def is_pil_image(value: object) -> TypeGuard[PILImage]:
    """Return whether a value is a Pillow image. Pillow is not imported."""
    image = sys.modules.get("PIL.Image")
    return image is not None and isinstance(value, image.Image)


def encode_image(image: PILImage) -> tuple[bytes, str]:
    """Encode a Pillow image; return its bytes and their media type. JPEG stays JPEG, others become PNG."""
    form = "JPEG" if image.format == "JPEG" else "PNG"
    if form == "PNG" and image.mode not in {"1", "L", "LA", "I", "P", "RGB", "RGBA"}:
        image = image.convert("RGBA")
    out = io.BytesIO()
    image.save(out, format=form)
    return out.getvalue(), f"image/{form.lower()}"


def show(data: bytes, mime_type: str) -> None:
    """Open an image or a video with the system's viewer."""
    import mimetypes
    import tempfile
    import webbrowser

    suffix = mimetypes.guess_extension(mime_type) or "." + mime_type.rpartition("/")[2]
    # Not deleted: the viewer opens the file after this function has returned.
    with tempfile.NamedTemporaryFile(suffix=suffix, delete=False) as file:
        file.write(data)
    webbrowser.open(Path(file.name).as_uri())
