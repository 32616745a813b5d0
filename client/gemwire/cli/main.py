"""The command and its groups; each has a module."""

from __future__ import annotations

import sys
from typing import Annotated, Any, NoReturn

try:
    import typer
except ImportError:
    print("the command line needs more packages: pip install 'gemwire[cli]'", file=sys.stderr)
    raise SystemExit(2) from None

import gemwire
from gemwire.cli import (
    batch,
    caches,
    chat,
    content,
    corpora,
    doctor,
    embed_file,
    extras,
    files,
    generate,
    models,
    output,
    rpc,
    serve,
    tuned_models,
    waiting,
)

app = typer.Typer(
    help="The Gemini API over gRPC. Without a key: --local, or `gemwire serve` and GEMINI_EMULATOR_HOST.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("generate")(generate.generate)
app.command("chat")(chat.chat)
app.command("count-tokens")(content.count_tokens)
app.command("embed")(content.embed)
app.command("batch")(batch.batch)
app.command("embed-file")(embed_file.embed_file)
app.add_typer(models.app, name="models")
app.add_typer(tuned_models.app, name="tuned-models")
app.add_typer(files.app, name="files")
app.add_typer(caches.app, name="caches")
app.add_typer(corpora.app, name="corpora")
app.command("rpc")(rpc.rpc)
app.command("serve", context_settings=serve.CONTEXT)(serve.serve)
app.command("doctor")(doctor.doctor)

_NOBODY = (
    "nobody to call: set GEMINI_API_KEY, or set up application default credentials (gcloud auth "
    "application-default login), or set GEMINI_EMULATOR_HOST to an emulator (gemwire serve runs one); "
    "generate, chat, embed and count-tokens also run on a local model at once with --local"
)
#: How google-auth begins when there is nothing anywhere; its other messages name a file that is wrong.
_NOTHING = "Your default credentials were not found"


def _version(wanted: bool) -> None:
    if wanted:
        output.write(f"gemwire {gemwire.__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    # What stands before the command's name.
    pass


def _end(message: str, code: int) -> NoReturn:
    output.complain(message)
    raise SystemExit(code)


def main() -> None:
    """Run the command; an error is one line, with exit code 1 for the API's and 2 for wrong use."""
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError

    from gemwire import errors

    waiting.tell()
    try:
        code = app(prog_name="gemwire", standalone_mode=False)
    except DefaultCredentialsError as error:
        _end(_NOBODY if str(error).startswith(_NOTHING) else str(error), 1)
    except (errors.Unavailable, errors.Unauthenticated, errors.PermissionDenied) as error:
        _end(f"{error} gemwire doctor tells where calls go, and as whom.", 1)
    except (errors.GemwireError, GoogleAuthError) as error:
        _end(str(error), 1)
    except (ValueError, TypeError) as error:
        _end(str(error), 2)
    except ModuleNotFoundError as error:
        extra = extras.missing_for(error.name or "")
        if extra is None:
            raise
        _end(f"this needs more packages: {extras.install(extra)}", 2)
    except (KeyboardInterrupt, typer.Abort):
        raise SystemExit(130) from None
    except Exception as error:
        # What typer raises for wrong use; by its shape, as typer's base has changed between versions.
        format_message: Any = getattr(error, "format_message", None)
        if format_message is None:
            raise
        if message := format_message():
            _end(f"{message} (--help lists what there is)", 2)
        raise SystemExit(2) from None
    raise SystemExit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
