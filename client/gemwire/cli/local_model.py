"""``--local``: an emulator with a local model, for as long as a command runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

Local = Annotated[bool, typer.Option("--local", help="Use a local model. Needs no API key.")]


@contextmanager
def use_local_model(enabled: bool) -> Iterator[None]:
    """Send the calls of clients that are created inside the block to a local model, if enabled.

    Raises:
        SystemExit: The model is not available. The reason has been printed.
    """
    if not enabled:
        yield
        return
    from gemwire.cli import output
    from gemwire.testing import emulator
    from gemwire_emulator.engines.local import LocalEngine
    from gemwire_emulator.errors import StatusError

    engine = LocalEngine()
    try:
        # Downloading the model may take longer than the emulator's startup timeout.
        engine.start()
    except StatusError as error:
        output.print_error(error.message)
        raise SystemExit(1) from None
    with emulator(engine=engine):
        yield
