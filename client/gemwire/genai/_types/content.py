"""Contents: the objects that programs build, and what else they may give for them."""

from __future__ import annotations

from collections.abc import Mapping, MutableSequence, Sequence
from typing import TYPE_CHECKING, Any

from gemwire.genai._convert import media_types
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import View

_ROLES = frozenset({"", "user", "model", "function", "tool"})


class Part(views.Part):
    """One piece of a content: text, bytes, a file, a function call or its response."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            text: str | None = None,
            inline_data: views.Blob | Any | None = None,
            function_call: views.FunctionCall | Any | None = None,
            function_response: views.FunctionResponse | Any | None = None,
            file_data: views.FileData | Any | None = None,
            executable_code: views.ExecutableCode | Any | None = None,
            code_execution_result: views.CodeExecutionResult | Any | None = None,
            video_metadata: views.VideoMetadata | Any | None = None,
            thought: bool | None = None,
            thought_signature: bytes | str | None = None,
            part_metadata: Mapping[str, Any] | None = None,
            media_resolution: views.PartMediaResolution | Mapping[str, Any] | None = None,
        ) -> None: ...

    @classmethod
    def from_text(cls, *, text: str) -> Part:
        """A text."""
        return cls(text=text)

    @classmethod
    def from_bytes(cls, *, data: bytes, mime_type: str, media_resolution: Any = None) -> Part:
        """Bytes that go with the request.

        Args:
            data: An image, audio, a document…
            mime_type: What they are.
            media_resolution: How closely they are looked at: a `PartMediaResolution`, or the name of a level.
        """
        blob = views.Blob(data=data, mime_type=mime_type)
        return cls(inline_data=blob, media_resolution=_resolution(media_resolution))

    @classmethod
    def from_uri(cls, *, file_uri: str, mime_type: str | None = None, media_resolution: Any = None) -> Part:
        """A file that the service can reach.

        Args:
            file_uri: Where it is.
            mime_type: What it is. Default: what its name says.
            media_resolution: See `from_bytes`.

        Raises:
            ValueError: There is no media type, and the name does not tell.
        """
        mime_type = mime_type or media_types.type_of_name(file_uri)
        if not mime_type:
            raise ValueError(f"mime_type: {file_uri!r} does not tell what it is; give one")
        data = views.FileData(file_uri=file_uri, mime_type=mime_type)
        return cls(file_data=data, media_resolution=_resolution(media_resolution))

    @classmethod
    def from_function_call(cls, *, name: str, args: Mapping[str, Any]) -> Part:
        """A function that the model calls.

        Args:
            name: The function's.
            args: Its arguments.
        """
        return cls(function_call=views.FunctionCall(name=name, args=args))

    @classmethod
    def from_function_response(cls, *, name: str, response: Mapping[str, Any]) -> Part:
        """What a function returned.

        Args:
            name: The function's.
            response: The result, as a dict.
        """
        return cls(function_response=views.FunctionResponse(name=name, response=response))

    @classmethod
    def from_executable_code(cls, *, code: str, language: views.ExecutableCodeLanguage | str) -> Part:
        """Code that the model wrote.

        Args:
            code: The program.
            language: Of what.
        """
        return cls(executable_code=views.ExecutableCode(code=code, language=language))

    @classmethod
    def from_code_execution_result(
        cls, *, outcome: views.CodeExecutionResultOutcome | str, output: str
    ) -> Part:
        """What running the code gave.

        Args:
            outcome: How it ended.
            output: What it printed.
        """
        return cls(code_execution_result=views.CodeExecutionResult(outcome=outcome, output=output))

    def as_image(self) -> Any:
        """The picture in it, as PIL's; None where there is none. Needs pillow."""
        blob = self.inline_data
        return (
            media_types.opened(blob.data or b"")
            if blob and (blob.mime_type or "").startswith("image/")
            else None
        )


class Content(views.Content):
    """A turn of a conversation: who speaks, and the parts."""

    __slots__ = ()


class UserContent(Content, registered=False):
    """A turn of the user's."""

    __slots__ = ()

    def __init__(self, parts: Any) -> None:
        """``parts``: one or several; texts will do."""
        super().__init__(role="user", parts=_parts(parts))


class ModelContent(Content, registered=False):
    """A turn of the model's."""

    __slots__ = ()

    def __init__(self, parts: Any) -> None:
        """``parts``: one or several; texts will do."""
        super().__init__(role="model", parts=_parts(parts))


def to_contents(contents: Any, argument: str = "contents") -> list[Any]:
    """The contents of a request, as messages.

    Parts that follow each other make one content: of the model if all of them are function calls, otherwise
    of the user. An inner list is one content of the user. Nothing that is given is changed.

    Args:
        contents: A text, bytes, a part, a content, a file, a picture of PIL's, a dict of one, or a list.
        argument: What to call it in an error.

    Raises:
        ValueError: It is empty, or says nothing that can be sent.
        TypeError: It is of another type.
    """
    if contents is None or (_is_list(contents) and not contents):
        raise ValueError(f"{argument} are required: a text, a part, a content, or a list of them")
    if not _is_list(contents):
        return [to_content(contents, argument)]
    made: list[Any] = []
    pending: list[Any] = []

    def flush() -> None:
        if pending:
            made.append(_grouped(pending))
            pending.clear()

    for at, item in enumerate(contents):
        place = f"{argument}[{at}]"
        if _is_ready(item):
            flush()
            made.append(item)
        elif _is_list(item):
            flush()
            made.append(
                v1beta.Content(role="user", parts=[to_part(i, f"{place}[{n}]") for n, i in enumerate(item)])
            )
        elif (content := _content(item, place)) is not None:
            flush()
            made.append(content)
        else:
            part = to_part(item, place)
            if pending and _is_call(pending[-1]) != _is_call(part):
                flush()
            pending.append(part)
    flush()
    return made


def to_content(value: Any, argument: str) -> Any:
    """One content, as a message.

    Raises:
        ValueError: It says nothing that can be sent.
        TypeError: It is of another type.
    """
    if _is_list(value):
        return _grouped([to_part(item, f"{argument}[{at}]") for at, item in enumerate(value)])
    content = _content(value, argument)
    return _grouped([to_part(value, argument)]) if content is None else content


def to_part(value: Any, argument: str) -> Any:
    """One part, as a message.

    Raises:
        ValueError: It says nothing that can be sent.
        TypeError: It is of another type.
    """
    if isinstance(value, str):
        return v1beta.Part(text=value)
    message = value._pb if isinstance(value, View) else value
    if isinstance(message, v1beta.Part):
        return message
    if isinstance(message, v1beta.File):
        if not message.uri or not message.mime_type:
            raise ValueError(f"{argument}: the file {message.name!r} has no uri or no mime_type yet")
        return v1beta.Part(file_data={"file_uri": message.uri, "mime_type": message.mime_type})
    for name, kind in _WHOLE_PARTS.items():
        if isinstance(message, kind):
            return v1beta.Part(**{name: message})
    if isinstance(value, Mapping):
        return _of_dict(value, argument)
    if isinstance(value, (bytes, bytearray)):
        return v1beta.Part(
            inline_data={"data": bytes(value), "mime_type": media_types.type_of_bytes(value, argument)}
        )
    if media_types.is_picture(value):
        data, mime_type = media_types.encoded(value)
        return v1beta.Part(inline_data={"data": data, "mime_type": mime_type})
    raise TypeError(f"{argument}: a {type(value).__name__} is no text, bytes, picture, file, part or content")


_WHOLE_PARTS: dict[str, Any] = {
    "inline_data": v1beta.Blob,
    "file_data": v1beta.FileData,
    "function_call": v1beta.FunctionCall,
    "function_response": v1beta.FunctionResponse,
    "executable_code": v1beta.ExecutableCode,
    "code_execution_result": v1beta.CodeExecutionResult,
}


def _is_ready(value: Any) -> bool:
    """Whether it goes as it is: the turns of a chat, which may be many, are looked at no closer."""
    return isinstance(value, v1beta.Content) and value.role in _ROLES


def _is_list(value: Any) -> bool:
    # As in google-genai, a tuple is none: it is too often a mistake, such as a comma at the end.
    return isinstance(value, MutableSequence) and not isinstance(value, bytearray)


def _content(value: Any, argument: str) -> Any:
    """The content that a value is; None where it is none."""
    message = value._pb if isinstance(value, View) else value
    if isinstance(value, Mapping) and set(value) <= {"role", "parts"}:
        parts = value.get("parts") or []
        parts = parts if isinstance(parts, Sequence) and not isinstance(parts, str) else [parts]
        message = v1beta.Content(
            role=value.get("role") or "",
            parts=[to_part(p, f"{argument}.parts[{at}]") for at, p in enumerate(parts)],
        )
    if not isinstance(message, v1beta.Content):
        return None
    if message.role not in _ROLES:
        other = (
            "; for a system instruction there is config.system_instruction"
            if message.role == "system"
            else ""
        )
        raise ValueError(f"{argument}.role: {message.role!r} is none of 'user' and 'model'{other}")
    return message


def _of_dict(value: Mapping[str, Any], argument: str) -> Any:
    try:
        return Part(**value)._pb
    except (ValueError, TypeError) as error:
        try:
            return v1beta.Part(file_data=views.FileData(**value)._pb)
        except (ValueError, TypeError):
            raise type(error)(f"{argument}: {error}") from None


def _is_call(part: Any) -> bool:
    return bool(part.HasField("function_call"))


def _grouped(parts: Sequence[Any]) -> Any:
    role = "model" if parts and all(map(_is_call, parts)) else "user"
    return v1beta.Content(role=role, parts=parts)


def _resolution(value: Any) -> Any:
    return views.PartMediaResolution(level=value) if isinstance(value, str) else value


def _parts(parts: Any) -> list[Any]:
    listed = parts if _is_list(parts) or isinstance(parts, tuple) else [parts]
    return [to_part(part, f"parts[{at}]") for at, part in enumerate(listed)]
