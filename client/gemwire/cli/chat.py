"""``chat``."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

from gemwire import errors, v1beta
from gemwire.cli import output, service
from gemwire.cli.answer_printer import AnswerPrinter, format_call
from gemwire.cli.local_model import Local, use_local_model
from gemwire.cli.options import AsJson, Model, System, Timeout, Transport, TransportName

HELP = """\
/help          show this help
/history       show the conversation
/reset         clear the conversation
/system TEXT   set the system instruction; without TEXT, remove it
/model NAME    switch to another model
/save FILE     save the conversation to FILE as JSON, a request for `gemwire rpc`
/quit          exit; or press Ctrl-D
Any other line is sent to the model. Start it with // to send a line that starts with /.
Ctrl-C cancels the current answer."""


class Conversation:
    """Conversation with a model."""

    def __init__(
        self,
        client: v1beta.GenerativeServiceClient,
        model: str,
        system: str | None,
        *,
        as_json: bool,
        timeout: float,
    ) -> None:
        """Start an empty conversation.

        Args:
            client: Client to call.
            model: Model name.
            system: System instruction.
            as_json: Print answers as contents in JSON, one per line.
            timeout: Timeout of an answer in seconds.
        """
        self.model = service.name_model(model)
        self.system = system
        self.contents: list[v1beta.Content] = []
        self._client = client
        self._as_json = as_json
        self._timeout = timeout

    def request(self) -> dict[str, object]:
        """Return the request that contains the conversation."""
        request: dict[str, object] = {"model": self.model, "contents": self.contents}
        if self.system:
            request["system_instruction"] = {"parts": [{"text": self.system}]}
        return request

    def send(self, text: str) -> None:
        """Send a message and print the answer as it arrives. A turn that fails is discarded.

        Raises:
            APIError: The call failed.
        """
        self.contents.append(service.messages().Content(role="user", parts=[{"text": text}]))
        answer = AnswerPrinter(enabled=not self._as_json)
        try:
            with self._client.stream_generate_content(self.request(), timeout=self._timeout) as stream:
                for chunk in stream:
                    answer.add(chunk)
        except BaseException:
            del self.contents[-1]
            raise
        finally:
            answer.end()
        if answer.error:
            del self.contents[-1]
            output.print_error(answer.error)
            return
        self.contents.append(answer.content)
        if self._as_json:
            output.print_json(answer.content, indent=None)
        if answer.warning:
            output.print_error(answer.warning)

    def history(self) -> str:
        """Return the conversation as text, each content prefixed with its role."""
        return "\n".join(
            f"{content.role}: "
            + "".join(
                format_call(part.function_call) if part.HasField("function_call") else part.text
                for part in content.parts
            )
            for content in self.contents
        )

    def save(self, path: Path) -> None:
        """Save the conversation as a request.

        Raises:
            ValueError: The file cannot be written.
        """
        request = output.to_dict(service.messages().GenerateContentRequest(**self.request()))
        try:
            path.write_text(json.dumps(request, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise ValueError(f"/save {path}: {error.strerror}") from None

    def run_command(self, line: str) -> bool:
        """Run a slash command. Return False to end the conversation.

        Raises:
            ValueError: The command is unknown, or lacks an argument.
        """
        name, _, rest = line.partition(" ")
        rest = rest.strip()
        if name in ("/quit", "/exit"):
            return False
        if name == "/help":
            output.note(HELP)
        elif name == "/history":
            output.note(self.history() or "The conversation is empty.")
        elif name == "/reset":
            self.contents.clear()
        elif name == "/system":
            self.system = rest or None
        elif name == "/model" and rest:
            self.model = service.name_model(rest)
        elif name == "/save" and rest:
            self.save(Path(rest).expanduser())
        elif name in ("/model", "/save"):
            raise ValueError(f"{name} needs a {'model name' if name == '/model' else 'file'}")
        else:
            raise ValueError(f"unknown command {name}; /help lists all commands")
        return True

    def handle_line(self, line: str) -> bool:
        """Run a line that is a command, or send it. Return False to end the conversation.

        Raises:
            APIError: The call failed.
            ValueError: The command is invalid.
        """
        text = line.strip()
        if text.startswith("/") and not text.startswith("//"):
            return self.run_command(text)
        if text:
            self.send(text.removeprefix("/") if text.startswith("//") else text)
        return True


def chat(
    model: Model = "gemini-2.5-flash",
    system: System = None,
    timeout: Timeout = 600,
    local: Local = False,
    transport: Transport = TransportName.GRPC,
    as_json: AsJson = False,
) -> None:
    """Chat with a model.

    Each line is a message; /help lists commands. Also reads from a pipe. With --json, prints answers as
    contents in JSON, one per line.
    """
    with use_local_model(local), service.create_generative_client(transport.value) as client:
        conversation = Conversation(client, model, system, as_json=as_json, timeout=timeout)
        if sys.stdin.isatty() and sys.stdout.isatty():
            _run_interactive(conversation)
            return
        # In a pipe, an error ends the command with its exit code.
        for line in iter(sys.stdin.readline, ""):
            if not conversation.handle_line(line):
                return


def _run_interactive(conversation: Conversation) -> None:
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - gives input() line editing and history
    output.note(f"{conversation.model}; /help lists commands, Ctrl-D exits")
    while True:
        try:
            line = input("> ")
        except EOFError:
            output.note("")
            return
        except KeyboardInterrupt:
            # Discards the line, as shells do.
            output.note("")
            continue
        try:
            if not conversation.handle_line(line):
                return
        except (errors.GemwireError, ValueError) as error:
            output.print_error(str(error))
        except KeyboardInterrupt:
            output.note("(cancelled; this turn is discarded)")
