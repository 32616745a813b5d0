"""``chat``: a conversation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gemwire import errors, v1beta
from gemwire.cli import output
from gemwire.cli.content import AsJson, Model, full_name
from gemwire.cli.local import Local, answering

HELP = """\
/help          these commands
/reset         forget what was said
/system TEXT   set the system instruction; without TEXT there is none
/model NAME    talk to another model
/save FILE     write the conversation to FILE as JSON
/quit          leave; so does the end of input
Any other line is said to the model; begin it with // for one that begins with /."""


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
        answer = v1beta.Content(role="model")
        try:
            why = self._stream(answer)
        except BaseException:
            del self.contents[-1]
            raise
        if not answer.parts:
            del self.contents[-1]
            output.complain(f"there is no answer: {why}")
            return
        self.contents.append(answer)
        if self._as_json:
            output.print_json(answer, indent=None)

    def _stream(self, answer: Any) -> str:
        """Gather an answer, printing it.

        Returns:
            Why it ended.
        """
        why = "the stream was empty"
        try:
            for chunk in self._client.stream_generate_content(self.request(), timeout=self._timeout):
                if chunk.prompt_feedback.block_reason:
                    reason = type(chunk.prompt_feedback).BlockReason.Name(chunk.prompt_feedback.block_reason)
                    why = f"the prompt was blocked ({reason})"
                for candidate in chunk.candidates[:1]:
                    if candidate.finish_reason:
                        why = type(candidate).FinishReason.Name(candidate.finish_reason)
                    for part in candidate.content.parts:
                        self._add(answer, part)
        finally:
            if answer.parts and not self._as_json:
                output.write("\n")
        return why

    def _add(self, answer: Any, part: Any) -> None:
        if part.HasField("function_call") and not self._as_json:
            output.print_json({"function_call": output.as_dict(part.function_call)})
        elif not self._as_json:
            output.write(part.text)
        last = answer.parts[-1] if answer.parts else None
        if last is not None and _is_text(last) and _is_text(part):
            last.text += part.text
        else:
            answer.parts.append(part)

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


def _is_text(part: Any) -> bool:
    return [field.name for field, _ in part.ListFields()] == ["text"]


def _line(interactive: bool) -> str | None:
    """The next line; None at the end."""
    if not interactive:
        return sys.stdin.readline() or None
    try:
        return input("> ")
    except EOFError:
        output.note("")
        return None


def chat(
    model: Model = "gemini-2.5-flash",
    system: Annotated[str | None, typer.Option(help="System instruction.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for an answer.")] = 600,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Talk to a model; each line is a turn, and /help lists commands. Reads pipes as well."""
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    if interactive:
        import contextlib

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - input() edits lines with it
    with answering(local), v1beta.GenerativeServiceClient() as client:
        talk = Conversation(client, model, system, as_json=as_json, timeout=timeout)
        if interactive:
            output.note(f"{talk.model}; /help lists commands")
        while (line := _line(interactive)) is not None:
            text = line.strip()
            try:
                if text.startswith("/") and not text.startswith("//"):
                    if not talk.command(text):
                        return
                elif text:
                    talk.say(text.removeprefix("/") if text.startswith("//") else text)
            except (errors.GemwireError, ValueError) as error:
                # A program that writes to this is told by the exit code; a person can go on.
                if not interactive:
                    raise
                output.complain(str(error))
            except KeyboardInterrupt:
                output.note("")
