"""How a program's calls are recorded, and replayed without a service."""

from __future__ import annotations

import os
from pathlib import Path

from gemwire.genai._types.config import Config

_MODES = ("api", "record", "replay", "auto")


class DebugConfig(Config):
    """Whether calls are recorded to a file or replayed from one.

    Attributes:
        client_mode: ``"record"``; ``"replay"``; ``"auto"`` to replay where there is a recording and to make
            one where there is none; ``"api"`` for neither. Default: GOOGLE_GENAI_CLIENT_MODE, then ``"api"``.
        replays_directory: Folder of the recordings. Default: GOOGLE_GENAI_REPLAYS_DIRECTORY.
        replay_id: Name of the recording: a path in that folder. Default: GOOGLE_GENAI_REPLAY_ID.
    """

    client_mode: str | None = None
    replays_directory: str | None = None
    replay_id: str | None = None

    def decided(self) -> tuple[Path, bool] | None:
        """The file, and whether it is replayed; None where calls are just made.

        Raises:
            ValueError: There is no such mode, or the file is not said.
        """
        mode = self.client_mode or os.environ.get("GOOGLE_GENAI_CLIENT_MODE") or "api"
        if mode not in _MODES:
            raise ValueError(f"debug_config.client_mode: {mode!r} is none of {', '.join(_MODES)}")
        if mode == "api":
            return None
        folder = self.replays_directory or os.environ.get("GOOGLE_GENAI_REPLAYS_DIRECTORY")
        name = self.replay_id or os.environ.get("GOOGLE_GENAI_REPLAY_ID")
        for field, value in (("replays_directory", folder), ("replay_id", name)):
            if not value:
                raise ValueError(f"debug_config.{field}: is needed to {mode}")
        path = Path(str(folder)) / f"{name}.json"
        return path, mode == "replay" or (mode == "auto" and path.exists())
