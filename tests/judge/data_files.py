"""The files that Google's tests read and its package lacks, made anew. Run in the venv of scripts/judge."""

from __future__ import annotations

import sys
import wave
from pathlib import Path

PICTURES = (
    "a-man-and-a-dog.png bridge1.png checkerboard.png dog.jpg google.jpg google.png google_homepage.png "
    "man.jpg segmentation_scribble.jpg skateboard_stop_sign.jpg"
)


def main() -> None:
    """Write the files into a folder."""
    from PIL import Image

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in PICTURES.split():
        Image.new("RGB", (64, 64), (66, 133, 244)).save(folder / name)
    with wave.open(str(folder / "voice_sample.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(32_000))
    for name, brand in (("animal.mp4", b"isom"), ("pixel.m4a", b"M4A ")):
        (folder / name).write_bytes(build_box(b"ftyp", brand + bytes(4)) + build_box(b"mdat", bytes(4096)))
    (folder / "story.txt").write_text("Once upon a time there was a lighthouse.\n" * 40, encoding="utf-8")
    (folder / "story.pdf").write_bytes(build_pdf("Once upon a time there was a lighthouse."))


def build_box(kind: bytes, body: bytes) -> bytes:
    """Build a box of an MPEG-4 file."""
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def build_pdf(text: str) -> bytes:
    """Build a PDF of one page."""
    drawn = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    fonts = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources %s >>" % fonts,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
    ]
    made, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return (
        made
        + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (
            size,
            table,
            size,
            len(made),
        )
    )


if __name__ == "__main__":
    main()
