"""The main program, and the table of commands. Each command or group has a module."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated, NoReturn

try:
    import typer
except ImportError:
    print("the command line needs additional packages: pip install 'gemwire[cli]'", file=sys.stderr)
    raise SystemExit(2) from None

import gemwire
from gemwire.cli import (
    batch,
    caches,
    chat,
    corpora,
    count_tokens,
    doctor,
    embed,
    embed_file,
    extras,
    files,
    generate,
    models,
    output,
    retry_notices,
    rpc,
    serve,
    service,
    tuned_models,
)

app = typer.Typer(
    help="Gemini API over gRPC. Without an API key: --local, or `gemwire serve` and GEMINI_EMULATOR_HOST.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("generate")(generate.generate)
app.command("chat")(chat.chat)
app.command("count-tokens")(count_tokens.count_tokens)
app.command("embed")(embed.embed)
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

#: Commands for what Vertex AI does not have, or has in another form.
_GEMINI_ONLY = ("batch", "corpora", "files", "tuned-models")

_NO_CREDENTIALS = (
    "no credentials found: set GEMINI_API_KEY, or set up application default credentials (gcloud auth "
    "application-default login), or set GEMINI_EMULATOR_HOST to use an emulator (see gemwire serve); "
    "generate, chat, embed and count-tokens also run on a local model with --local"
)
_NO_VERTEX_CREDENTIALS = (
    "no credentials found: set up application default credentials (gcloud auth application-default login), "
    "or set GOOGLE_APPLICATION_CREDENTIALS to a file of some, or GEMINI_EMULATOR_HOST to use an emulator "
    "(see gemwire serve)"
)
#: Start of google-auth's message if no credentials are configured; its other messages name an invalid file.
_NOT_FOUND = "Your default credentials were not found"


def _print_version(enabled: bool) -> None:
    if enabled:
        output.write(f"gemwire {gemwire.__version__}\n")
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    vertex: service.UseVertex = False,
    project: service.Project = None,
    location: service.Location = None,
) -> None:
    service.select(vertex or _is_vertex_chosen(), project, location)
    if context.invoked_subcommand in _GEMINI_ONLY:
        service.refuse_vertex(context.invoked_subcommand)


def _is_vertex_chosen() -> bool:
    """Return whether the environment chooses Vertex AI, as `gemwire.genai.Client` reads it."""
    names = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")
    value = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return value.lower() in ("true", "1")


def _exit(message: str, code: int) -> NoReturn:
    output.print_error(message)
    raise SystemExit(code)


def main() -> None:
    """Run the command line. Errors take one line; exit code 1 is for failed calls, 2 for invalid usage."""
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError

    from gemwire import errors

    retry_notices.enable_notices()
    try:
        code = app(prog_name="gemwire", standalone_mode=False)
    except DefaultCredentialsError as error:
        known = _NO_VERTEX_CREDENTIALS if service.find_vertex() else _NO_CREDENTIALS
        _exit(known if str(error).startswith(_NOT_FOUND) else str(error), 1)
    except (errors.Unavailable, errors.Unauthenticated, errors.PermissionDenied) as error:
        _exit(f"{error} Run gemwire doctor to check the endpoint and the credentials.", 1)
    except (errors.GemwireError, GoogleAuthError) as error:
        _exit(str(error), 1)
    except (ValueError, TypeError) as error:
        _exit(str(error), 2)
    except ModuleNotFoundError as error:
        extra = extras.extra_of(error.name or "")
        if extra is None:
            raise
        _exit(f"this command needs additional packages: {extras.install_command(extra)}", 2)
    except ImportError as error:
        _exit(str(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        raise SystemExit(130) from None
    except Exception as error:
        # A usage error of typer, recognized by its method, as the base class differs between versions.
        format_message: Callable[[], str] | None = getattr(error, "format_message", None)
        if format_message is None:
            raise
        if message := format_message():
            _exit(f"{message} (see --help)", 2)
        raise SystemExit(2) from None
    raise SystemExit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
