"""What bytes, names and pictures are: media types."""

from __future__ import annotations

import io
import mimetypes
import sys
from pathlib import Path
from typing import Any

#: How files of a type begin: at which byte, with what.
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


def type_of_name(name: str) -> str | None:
    """The media type of a file's name or address; None where it does not tell."""
    return mimetypes.guess_type(name)[0]


def type_of_bytes(data: bytes | bytearray, argument: str) -> str:
    """The media type that bytes begin like.

    Raises:
        ValueError: They begin like nothing known.
    """
    for at, signature, found in _SIGNATURES:
        if data[at : at + len(signature)] == signature:
            return found
    raise ValueError(
        f"{argument}: these bytes do not tell what they are; use types.Part.from_bytes(data=…, mime_type=…)"
    )


def is_picture(value: Any) -> bool:
    """Whether a value is a picture of PIL's."""
    image = sys.modules.get("PIL.Image")
    return image is not None and isinstance(value, image.Image)


def encoded(picture: Any) -> tuple[bytes, str]:
    """A picture of PIL's as bytes and their media type: JPEG stays JPEG, all others become PNG."""
    form = "JPEG" if picture.format == "JPEG" else "PNG"
    if form == "PNG" and picture.mode not in {"1", "L", "LA", "I", "P", "RGB", "RGBA"}:
        picture = picture.convert("RGBA")
    out = io.BytesIO()
    picture.save(out, format=form)
    return out.getvalue(), f"image/{form.lower()}"


def opened(data: bytes) -> Any:
    """A picture of PIL's from bytes.

    Raises:
        ImportError: pillow is not installed.
    """
    try:
        from PIL import Image  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ImportError("pictures need pillow: pip install pillow") from None
    return Image.open(io.BytesIO(data))


def show(data: bytes, mime_type: str) -> None:
    """Show a picture or video with whatever the system opens such files with."""
    import tempfile
    import webbrowser

    suffix = mimetypes.guess_extension(mime_type) or "." + mime_type.rpartition("/")[2]
    # Kept: the viewer opens it when this function is long done.
    with tempfile.NamedTemporaryFile(suffix=suffix, delete=False) as file:
        file.write(data)
    webbrowser.open(Path(file.name).as_uri())
