"""Options and arguments that several commands share."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

_FILE = "File to send before the prompt: text, image, audio, video or PDF; - for stdin. Repeatable."


class TransportName(str, Enum):
    """How calls are made."""

    GRPC = "grpc"
    H2 = "h2"
    REST = "rest"
    AUTO = "auto"


_TRANSPORT = "gRPC; gRPC without grpcio, which takes less CPU; JSON over HTTP; what is not blocked."
Transport = Annotated[TransportName, typer.Option("--transport", help=_TRANSPORT)]
Model = Annotated[
    str, typer.Option("--model", "-m", help="Model name, with or without models/.", metavar="NAME")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Prompt = Annotated[str | None, typer.Argument(help="Prompt. Reads standard input if omitted or -.")]
File = Annotated[list[Path] | None, typer.Option("--file", "-f", help=_FILE, metavar="FILE")]
System = Annotated[str | None, typer.Option(help="System instruction.", metavar="TEXT")]
Timeout = Annotated[float, typer.Option(help="Timeout of the answer in seconds.", metavar="SECONDS")]
DisplayName = Annotated[str | None, typer.Option(help="Display name.", metavar="TEXT")]
