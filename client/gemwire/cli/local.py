"""``--local``: answers of the local model, for as long as a command runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

Local = Annotated[bool, typer.Option("--local", help="Run on the local model: needs no key.")]


@contextmanager
def answering(wanted: bool) -> Iterator[None]:
    """Have clients made inside the block go to a local model, if that is wanted.

    Raises:
        SystemExit: The model cannot be had; why has been said.
    """
    if not wanted:
        yield
        return
    from gemwire.cli import output
    from gemwire.testing import emulator
    from gemwire_emulator.engines.local import LocalEngine
    from gemwire_emulator.errors import StatusError

    engine = LocalEngine()
    try:
        # Fetching the model may take longer than a start may.
        engine.start()
    except StatusError as failure:
        output.complain(failure.message)
        raise SystemExit(1) from None
    with emulator(engine=engine):
        yield
