"""The command and its groups; each has a module."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

try:
    import typer
except ImportError:
    print("the command line needs more packages: pip install 'gemwire[cli]'", file=sys.stderr)
    raise SystemExit(2) from None

from gemwire.cli import (
    caches,
    chat,
    content,
    corpora,
    doctor,
    files,
    models,
    output,
    rpc,
    serve,
    tuned_models,
)

app = typer.Typer(
    help="The Gemini API over gRPC.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("generate")(content.generate)
app.command("chat")(chat.chat)
app.command("count-tokens")(content.count_tokens)
app.command("embed")(content.embed)
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
    "generate and chat also run on a local model at once with --local"
)
#: What a missing module is installed with.
_EXTRAS = {
    "gemwire_emulator": "emulator",
    "grpc_health": "emulator",
    "grpc_reflection": "emulator",
    "xllamacpp": "local",
}


def _end(message: str, code: int) -> NoReturn:
    output.complain(message)
    raise SystemExit(code)


def main() -> None:
    """Run the command; an error is one line, with exit code 1 for the API's and 2 for wrong use."""
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError

    from gemwire import errors

    try:
        code = app(standalone_mode=False)
    except DefaultCredentialsError:
        _end(_NOBODY, 1)
    except (errors.GemwireError, GoogleAuthError) as error:
        _end(str(error), 1)
    except (ValueError, TypeError) as error:
        _end(str(error), 2)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        _end(f"this needs more packages: pip install 'gemwire[{extra}]'", 2)
    except BrokenPipeError:
        # The reader of a pipe has gone: nothing to say, and nobody to say it to.
        sys.stderr.close()
        raise SystemExit(141) from None
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
