"""Turn detection in the realtime input of live sessions.

Speech is not recognized. Loud 16-bit audio counts as speech, quiet audio as a pause; other formats always
count as speech. Time is counted in samples, so that the same bytes give the same turns.
"""

from __future__ import annotations

import array
import re
import sys
from dataclasses import dataclass, field

from gemwire_emulator.errors import invalid_argument
from gemwire_proto import v1beta

_PATH = "realtime_input"
#: Amplitude, of 32768, below which audio is a pause.
_LOUD = 500
_PAUSE_MS = 500
_RATE = 16_000


@dataclass
class Turn:
    """A turn that has ended.

    Attributes:
        texts: Its texts, and placeholders for its media.
        transcript: Placeholder for a transcript of its audio; empty without audio.
    """

    texts: list[str] = field(default_factory=list)
    transcript: str = ""


class TurnDetector:
    """A detector that splits realtime input into turns."""

    def __init__(self, config: v1beta.RealtimeInputConfig) -> None:
        """Create a detector for a session."""
        detection = config.automatic_activity_detection
        self._manual = detection.disabled
        self._pause = (detection.silence_duration_ms or _PAUSE_MS) / 1000
        coverage = v1beta.RealtimeInputConfig.TurnCoverage
        self._everything = config.turn_coverage == coverage.TURN_INCLUDES_ALL_INPUT
        self._active = False
        self._silent = 0.0
        self._texts: list[str] = []
        self._media: dict[str, int] = {}

    def process(self, message: v1beta.BidiGenerateContentRealtimeInput) -> tuple[bool, list[Turn]]:
        """Process a message.

        Returns:
            Whether activity started in the message, and the turns that ended in it.

        Raises:
            StatusError: INVALID_ARGUMENT; a field does not fit the session.
        """
        self._check(message)
        before = self._active
        began = False
        turns: list[Turn] = []
        if message.HasField("activity_start"):
            self._active = began = True
        for blob in _get_blobs(message):
            began = self._process_blob(blob) or began
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

    def _check(self, message: v1beta.BidiGenerateContentRealtimeInput) -> None:
        signals = {
            "activity_start": message.HasField("activity_start"),
            "activity_end": message.HasField("activity_end"),
        }
        for name, is_set in signals.items():
            if is_set and not self._manual:
                raise invalid_argument(
                    f"{_PATH}.{name}", "requires a session with automatic activity detection disabled"
                )
        if message.HasField("activity_end") and not (self._active or message.HasField("activity_start")):
            raise invalid_argument(
                f"{_PATH}.activity_end", "has no activity to end; send activity_start first"
            )
        if message.HasField("audio_stream_end") and self._manual:
            raise invalid_argument(
                f"{_PATH}.audio_stream_end", "requires a session with automatic activity detection"
            )
        media = (
            ("audio", message.HasField("audio"), message.audio, ("audio/",)),
            ("video", message.HasField("video"), message.video, ("image/", "video/")),
        )
        for name, is_set, blob, kinds in media:
            if is_set and not blob.mime_type.startswith(kinds):
                raise invalid_argument(f"{_PATH}.{name}.mime_type", f"must begin with {' or '.join(kinds)}")

    def _process_blob(self, blob: v1beta.Blob) -> bool:
        """Process a blob; return whether speech started in it."""
        began = False
        if blob.mime_type.startswith("audio/"):
            loud, seconds = _measure(blob)
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
        audio = [f"{size} bytes of {mime}" for mime, size in self._media.items() if mime.startswith("audio/")]
        if audio:
            turn.transcript = f"[emulated transcript of {' and '.join(audio)}]"
        self._active, self._silent, self._texts, self._media = False, 0.0, [], {}
        return turn


def _get_blobs(message: v1beta.BidiGenerateContentRealtimeInput) -> list[v1beta.Blob]:
    blobs = list(message.media_chunks)
    if message.HasField("audio"):
        blobs.append(message.audio)
    if message.HasField("video"):
        blobs.append(message.video)
    return blobs


def _measure(blob: v1beta.Blob) -> tuple[bool, float]:
    """Return whether audio is loud, and its duration in seconds."""
    if not blob.mime_type.startswith("audio/pcm"):
        return True, 0.0
    rate = re.search(r"rate=(\d+)", blob.mime_type)
    samples = array.array("h", blob.data[: len(blob.data) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    loud = bool(samples) and (max(samples) >= _LOUD or min(samples) <= -_LOUD)
    return loud, len(samples) / max(int(rate[1]) if rate else _RATE, 1)
