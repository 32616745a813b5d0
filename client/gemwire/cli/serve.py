"""``serve``."""

from __future__ import annotations

import typer

#: The emulator parses all options, including --help.
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def serve(context: typer.Context) -> None:
    """Run an emulator of the API on this machine."""
    from gemwire_emulator.__main__ import main

    raise SystemExit(main(context.args))
