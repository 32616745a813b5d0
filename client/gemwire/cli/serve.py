"""``serve``: the emulator."""

from __future__ import annotations

import typer

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def serve(context: typer.Context) -> None:
    """Run an emulator of the API on this machine; ``gemwire serve --help-all`` lists its options."""
    from gemwire_emulator.__main__ import main

    arguments = ["--help" if a == "--help-all" else a for a in context.args]
    raise SystemExit(main(arguments))
