"""The user's turns in what a live session streams: where they begin and where they end.

Nothing is recognised. Raw 16-bit audio counts as speech where it is loud, and as
a pause where it is not; other formats count as speech throughout. Time is
counted in samples, so that the same bytes give the same turns.
"""

from __future__ import annotations

import array
import re
import sys
from dataclasses import dataclass, field
from typing import Any

from gemwire_emulator.errors import invalid_argument
from gemwire_proto import v1beta

_PATH = "realtime_input"
#: Of 32768; below it is a pause.
_LOUD = 500
_PAUSE_MS = 500
_RATE = 16_000


@dataclass
class Turn:
    """A turn that has ended.

    Attributes:
        texts: What it said in words, and notes of what it had besides.
        transcript: What stands for a transcript of its audio; empty without audio.
    """

    texts: list[str] = field(default_factory=list)
    transcript: str = ""


class Activity:
    """Splits realtime input into turns."""

    def __init__(self, config: Any) -> None:
        """``config``: the session's RealtimeInputConfig."""
        detection = config.automatic_activity_detection
        self._manual = detection.disabled
        self._pause = (detection.silence_duration_ms or _PAUSE_MS) / 1000
        coverage = v1beta.RealtimeInputConfig.TurnCoverage
        self._everything = config.turn_coverage == coverage.TURN_INCLUDES_ALL_INPUT
        self._active = False
        self._silent = 0.0
        self._texts: list[str] = []
        self._media: dict[str, int] = {}

    def take(self, message: Any) -> tuple[bool, list[Turn]]:
        """The next piece.

        Returns:
            Whether the user's activity began in it, and the turns that ended in it.

        Raises:
            StatusError: A field does not belong in this session.
        """
        self._check(message)
        before = self._active
        began = False
        turns: list[Turn] = []
        if message.HasField("activity_start"):
            self._active = began = True
        for blob in _blobs(message):
            began = self._hear(blob) or began
            if self._active and not self._manual and self._silent >= self._pause:
                turns.append(self._end())
        if message.HasField("text"):
            began = began or not (self._active or self._manual)
            if self._active or self._everything or not self._manual:
                self._texts.append(message.text)
            if not self._active and not self._manual:
                turns.append(self._end())
        if (message.audio_stream_end or message.HasField("activity_end")) and self._active:
            turns.append(self._end())
        return began and not before, turns

    def _check(self, message: Any) -> None:
        for name in ("activity_start", "activity_end"):
            if message.HasField(name) and not self._manual:
                raise invalid_argument(
                    f"{_PATH}.{name}", "is for sessions with automatic activity detection disabled"
                )
        if message.HasField("activity_end") and not (self._active or message.HasField("activity_start")):
            raise invalid_argument(f"{_PATH}.activity_end", "ends no activity; send activity_start first")
        if message.HasField("audio_stream_end") and self._manual:
            raise invalid_argument(
                f"{_PATH}.audio_stream_end", "is for sessions with automatic activity detection"
            )
        for name, kinds in (("audio", ("audio/",)), ("video", ("image/", "video/"))):
            if message.HasField(name) and not getattr(message, name).mime_type.startswith(kinds):
                raise invalid_argument(f"{_PATH}.{name}.mime_type", f"must begin with {' or '.join(kinds)}")

    def _hear(self, blob: Any) -> bool:
        """Take a blob in; whether speech began with it."""
        began = False
        if blob.mime_type.startswith("audio/"):
            loud, seconds = _measured(blob)
            self._silent = 0.0 if loud else self._silent + seconds
            if loud and not self._active and not self._manual:
                self._active = began = True
        if self._active or self._everything:
            self._media[blob.mime_type] = self._media.get(blob.mime_type, 0) + len(blob.data)
        return began

    def _end(self) -> Turn:
        turn = Turn(self._texts)
        for mime_type, size in self._media.items():
            turn.texts.append(f"[emulated: {size} bytes of {mime_type}, not understood]")
        heard = [f"{size} bytes of {mime}" for mime, size in self._media.items() if mime.startswith("audio/")]
        if heard:
            turn.transcript = f"[emulated transcript of {' and '.join(heard)}]"
        self._active, self._silent, self._texts, self._media = False, 0.0, [], {}
        return turn


def _blobs(message: Any) -> list[Any]:
    named = [getattr(message, name) for name in ("audio", "video") if message.HasField(name)]
    return [*message.media_chunks, *named]


def _measured(blob: Any) -> tuple[bool, float]:
    """Whether a piece of audio is loud, and its seconds."""
    if not blob.mime_type.startswith("audio/pcm"):
        return True, 0.0
    rate = re.search(r"rate=(\d+)", blob.mime_type)
    samples = array.array("h", blob.data[: len(blob.data) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    loud = bool(samples) and (max(samples) >= _LOUD or min(samples) <= -_LOUD)
    return loud, len(samples) / max(int(rate[1]) if rate else _RATE, 1)
