"""Recording and replaying of calls."""

from __future__ import annotations

import os
from pathlib import Path

from gemwire.genai._types.config import Config

_MODES = ("api", "record", "replay", "auto")


class DebugConfig(Config):
    """Config of recording calls to a file and replaying them from it.

    Attributes:
        client_mode: ``"record"`` records calls, ``"replay"`` answers them from a recording, ``"auto"``
            replays if there is a recording and otherwise records, ``"api"`` does neither. Default:
            GOOGLE_GENAI_CLIENT_MODE, then ``"api"``.
        replays_directory: Directory of the recordings. Default: GOOGLE_GENAI_REPLAYS_DIRECTORY.
        replay_id: Path of the recording in that directory, without ``.json``. Default:
            GOOGLE_GENAI_REPLAY_ID.
    """

    client_mode: str | None = None
    replays_directory: str | None = None
    replay_id: str | None = None

    def resolve(self) -> tuple[Path, bool] | None:
        """Return the path of the recording and whether it is replayed; None for ordinary calls.

        Raises:
            ValueError: The mode is unknown, or the path is not given.
        """
        mode = self.client_mode or os.environ.get("GOOGLE_GENAI_CLIENT_MODE") or "api"
        if mode not in _MODES:
            raise ValueError(f"debug_config.client_mode: {mode!r} is not one of {', '.join(_MODES)}")
        if mode == "api":
            return None
        folder = self.replays_directory or os.environ.get("GOOGLE_GENAI_REPLAYS_DIRECTORY")
        name = self.replay_id or os.environ.get("GOOGLE_GENAI_REPLAY_ID")
        for field, value in (("replays_directory", folder), ("replay_id", name)):
            if not value:
                raise ValueError(f"debug_config.{field}: required for client_mode={mode!r}")
        path = Path(str(folder)) / f"{name}.json"
        return path, mode == "replay" or (mode == "auto" and path.exists())
