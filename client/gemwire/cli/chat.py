"""``chat``: a conversation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from gemwire import errors, v1beta
from gemwire.cli import output
from gemwire.cli.answer import Answer, call_text
from gemwire.cli.content import AsJson, Model, System, Timeout, full_name
from gemwire.cli.local import Local, answering

HELP = """\
/help          these commands
/history       what was said so far
/reset         forget what was said
/system TEXT   set the system instruction; without TEXT there is none
/model NAME    talk to another model
/save FILE     write the conversation to FILE as JSON: a request that `gemwire rpc` takes
/quit          leave; so does Ctrl-D
Any other line is said to the model; begin it with // for one that begins with /.
Ctrl-C ends an answer that is being written."""


class Conversation:
    """What was said, and to whom."""

    def __init__(self, client: Any, model: str, system: str | None, *, as_json: bool, timeout: float) -> None:
        """Nothing was said yet.

        Args:
            client: What answers.
            model: Its model.
            system: System instruction.
            as_json: Print answers as contents in JSON, one a line.
            timeout: Seconds for an answer.
        """
        self.model = full_name(model)
        self.system = system
        self.contents: list[Any] = []
        self._client = client
        self._as_json = as_json
        self._timeout = timeout

    def request(self) -> dict[str, Any]:
        """The request that all this is."""
        made: dict[str, Any] = {"model": self.model, "contents": self.contents}
        if self.system:
            made["system_instruction"] = {"parts": [{"text": self.system}]}
        return made

    def say(self, text: str) -> None:
        """Say something and print the answer as it comes. A turn that fails was not said.

        Raises:
            APIError: It failed.
        """
        self.contents.append(v1beta.Content(role="user", parts=[{"text": text}]))
        answer = Answer(shown=not self._as_json)
        try:
            with self._client.stream_generate_content(self.request(), timeout=self._timeout) as stream:
                for chunk in stream:
                    answer.add(chunk)
        except BaseException:
            del self.contents[-1]
            raise
        finally:
            answer.end()
        if answer.complaint:
            del self.contents[-1]
            output.complain(answer.complaint)
            return
        self.contents.append(answer.content)
        if self._as_json:
            output.print_json(answer.content, indent=None)
        if answer.remark:
            output.complain(answer.remark)

    def history(self) -> str:
        """What was said, as text: a line begins with who says it."""
        return "\n".join(
            f"{content.role}: "
            + "".join(
                call_text(part.function_call) if part.HasField("function_call") else part.text
                for part in content.parts
            )
            for content in self.contents
        )

    def save(self, path: Path) -> None:
        """Write it down: a request that goes on with it.

        Raises:
            ValueError: The file cannot be written.
        """
        request = output.as_dict(v1beta.GenerateContentRequest(**self.request()))
        try:
            path.write_text(json.dumps(request, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise ValueError(f"/save {path}: {error.strerror}") from None

    def command(self, line: str) -> bool:
        """Do what a slash command says.

        Returns:
            Whether the conversation goes on.

        Raises:
            ValueError: There is no such command, or it lacks something.
        """
        name, _, rest = line.partition(" ")
        rest = rest.strip()
        if name in ("/quit", "/exit"):
            return False
        if name == "/help":
            output.note(HELP)
        elif name == "/history":
            output.note(self.history() or "nothing was said yet")
        elif name == "/reset":
            self.contents.clear()
        elif name == "/system":
            self.system = rest or None
        elif name == "/model" and rest:
            self.model = full_name(rest)
        elif name == "/save" and rest:
            self.save(Path(rest).expanduser())
        elif name in ("/model", "/save"):
            raise ValueError(f"{name} needs a {'name' if name == '/model' else 'file'}")
        else:
            raise ValueError(f"there is no command {name}; /help lists them")
        return True

    def turn(self, line: str) -> bool:
        """Take a line: a command, or something to say.

        Returns:
            Whether the conversation goes on.

        Raises:
            APIError: The call failed.
            ValueError: The command is wrong.
        """
        text = line.strip()
        if text.startswith("/") and not text.startswith("//"):
            return self.command(text)
        if text:
            self.say(text.removeprefix("/") if text.startswith("//") else text)
        return True


def chat(
    model: Model = "gemini-2.5-flash",
    system: System = None,
    timeout: Timeout = 600,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Talk to a model that remembers what was said.

    Each line is a turn, and /help lists commands. Reads pipes as well. With --json, answers are
    contents in JSON, one a line.
    """
    with answering(local), v1beta.GenerativeServiceClient() as client:
        talk = Conversation(client, model, system, as_json=as_json, timeout=timeout)
        if sys.stdin.isatty() and sys.stdout.isatty():
            _interactive(talk)
            return
        # A program that writes to this is told by the exit code what failed; a person can go on.
        for line in iter(sys.stdin.readline, ""):
            if not talk.turn(line):
                return


def _interactive(talk: Conversation) -> None:
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - input() edits lines with it, and remembers them
    output.note(f"{talk.model}; /help lists commands, Ctrl-D leaves")
    while True:
        try:
            line = input("> ")
        except EOFError:
            output.note("")
            return
        except KeyboardInterrupt:
            # As shells do: it is the line that is given up.
            output.note("")
            continue
        try:
            if not talk.turn(line):
                return
        except (errors.GemwireError, ValueError) as error:
            output.complain(str(error))
        except KeyboardInterrupt:
            output.note("(ended; this turn is forgotten)")
