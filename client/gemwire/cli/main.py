"""The command and its groups; each has a module."""

from __future__ import annotations

import sys

try:
    import typer
except ImportError:
    print("the command line needs more packages: pip install 'gemwire[cli]'", file=sys.stderr)
    raise SystemExit(2) from None

from gemwire.cli import content, doctor, models, rpc, serve

app = typer.Typer(
    help="The Gemini API over gRPC.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("generate")(content.generate)
app.command("count-tokens")(content.count_tokens)
app.command("embed")(content.embed)
app.command("rpc")(rpc.rpc)
app.command("serve", context_settings=serve.CONTEXT)(serve.serve)
app.command("doctor")(doctor.doctor)
app.add_typer(models.app, name="models")


def main() -> None:
    """Run the command; an error of the API is one line and exit code 1."""
    from google.auth.exceptions import GoogleAuthError

    from gemwire import errors

    try:
        app()
    except (errors.GemwireError, GoogleAuthError) as error:
        print(f"gemwire: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except (ValueError, TypeError) as error:
        print(f"gemwire: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:
        # The reader of a pipe has gone: nothing to say, and nobody to say it to.
        sys.stderr.close()
        raise SystemExit(141) from None


if __name__ == "__main__":
    main()
