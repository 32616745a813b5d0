"""Contents and parts: the objects that programs build, and the values accepted in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableSequence, Sequence
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, Union

from gemwire.genai._types import media_types
from gemwire.genai._types.family import GEMINI, Family
from gemwire.genai._types.images import Image
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.field_errors import locate
from gemwire_runtime.models import Format, dump
from gemwire_runtime.pydantic_models import unwrap
from gemwire_runtime.view_fields import message_of
from gemwire_runtime.views import View

if TYPE_CHECKING:
    from gemwire_proto.v1beta.views import (
        BlobDict,
        ContentDict,
        FileDataDict,
        PartDict,
        PartMediaResolutionDict,
    )


#: URI of an uploaded file.
_UPLOADED = re.compile(
    r"https://(?:[a-z0-9-]+-)?generativelanguage(?:\.sandbox)?\.googleapis\.com/\w+/files/[^/?]+"
)


class PILImage(Protocol):
    """An image of Pillow (``PIL.Image.Image``), as far as it is used here."""

    @property
    def format(self) -> str | None: ...
    @property
    def mode(self) -> str: ...
    def convert(self, mode: str) -> PILImage: ...
    def save(self, fp: IO[bytes], /, format: str) -> None: ...  # noqa: A002


#: Values accepted as a part.
PartUnion: TypeAlias = Union[
    str,
    bytes,
    bytearray,
    PILImage,
    views.Part,
    views.File,
    views.Blob,
    views.FileData,
    views.FunctionCall,
    views.FunctionResponse,
    views.ExecutableCode,
    views.CodeExecutionResult,
    v1beta.Part,
    v1beta.File,
    "PartDict",
    "FileDataDict",
]
#: Values accepted as a content: one, or the parts of one.
ContentUnion: TypeAlias = Union[views.Content, v1beta.Content, "ContentDict", PartUnion, Sequence[PartUnion]]
#: Values accepted as the contents of a request.
ContentListUnion: TypeAlias = ContentUnion | Sequence[ContentUnion]
#: Values accepted as a picture or a video of a live session.
BlobImageUnion: TypeAlias = PILImage | views.Blob
BlobImageUnionDict: TypeAlias = Union[BlobImageUnion, "BlobDict"]
PartUnionDict: TypeAlias = PartUnion
ContentUnionDict: TypeAlias = ContentUnion
ContentListUnionDict: TypeAlias = ContentListUnion
#: Values accepted as the resolution of a part; a string is the name of a level.
MediaResolutionUnion: TypeAlias = Union[views.PartMediaResolution, "PartMediaResolutionDict", str]


class Blob(views.Blob):
    """Bytes and their media type."""

    __slots__ = ()

    def as_image(self) -> Image | None:
        """Return the bytes as an image; None if they are none."""
        if not self.data or not (self.mime_type or "").startswith("image/"):
            return None
        return Image(image_bytes=self.data, mime_type=self.mime_type)


class FunctionResponsePart(views.FunctionResponsePart):
    """Media in the result of a function."""

    __slots__ = ()

    @classmethod
    def from_bytes(
        cls, *, data: bytes, mime_type: str, display_name: str | None = None
    ) -> FunctionResponsePart:
        """Build a part with inline data.

        Args:
            data: Bytes of an image, audio, video or document.
            mime_type: Media type of the data, such as ``image/png``.
            display_name: Vertex AI only.
        """
        blob = views.FunctionResponseBlob(data=data, mime_type=mime_type, display_name=display_name)
        return cls(inline_data=blob)

    @classmethod
    def from_uri(
        cls, *, file_uri: str, mime_type: str | None = None, display_name: str | None = None
    ) -> FunctionResponsePart:
        """Build a part that refers to a file that the service can read.

        Args:
            file_uri: URI of the file.
            mime_type: Media type of the file. Default: guessed from the name; none for an uploaded file, of
                which the service knows it.
            display_name: Vertex AI only.

        Raises:
            ValueError: No media type was given and the name does not tell it.
        """
        is_uploaded = mime_type is None and _UPLOADED.fullmatch(file_uri)
        return cls(
            file_data=views.FunctionResponseFileData(
                file_uri=file_uri,
                mime_type=None if is_uploaded else _find_media_type(file_uri, mime_type),
                display_name=display_name,
            )
        )


class FunctionResponse(views.FunctionResponse):
    """The result of a function call."""

    __slots__ = ()

    @classmethod
    def from_mcp_response(cls, *, name: str, response: object) -> FunctionResponse:
        """Build the result of a function that an MCP server ran.

        Args:
            name: Name of the function.
            response: The server's answer: an ``mcp.types.CallToolResult``.
        """
        failed = getattr(response, "isError", False) or getattr(response, "is_error", False)
        content = dump(getattr(response, "content", None), Format(mode="json", exclude_none=True))
        answer = {"error": content or "MCP response is error."} if failed else {"result": content}
        return cls(name=name, response=answer)


class Part(views.Part):
    """One piece of a content: text, inline data, a file, a function call or a function response."""

    __slots__ = ()

    if not TYPE_CHECKING:  # Type checkers see the fields.

        def __init__(self, value: PartUnion | None = None, /, **fields: object) -> None:
            """Build a part of fields, or of anything that is accepted as a part, such as a string."""
            super().__init__(**fields)
            if value is not None:
                self._pb.MergeFrom(to_part(value, "value"))

    @classmethod
    def from_text(cls, *, text: str) -> Part:
        """Build a text part."""
        return cls(text=text)

    @classmethod
    def from_bytes(
        cls, *, data: bytes, mime_type: str, media_resolution: MediaResolutionUnion | None = None
    ) -> Part:
        """Build a part with inline data.

        Args:
            data: Bytes of an image, audio, video or document.
            mime_type: Media type of the data, such as ``image/png``.
            media_resolution: Resolution at which the model sees the media: a `PartMediaResolution`, a dict of
                its fields or the name of a level.
        """
        blob = views.Blob(data=data, mime_type=mime_type)
        return cls(inline_data=blob, media_resolution=_to_media_resolution(media_resolution))

    @classmethod
    def from_uri(
        cls,
        *,
        file_uri: str,
        mime_type: str | None = None,
        media_resolution: MediaResolutionUnion | None = None,
    ) -> Part:
        """Build a part that refers to a file that the service can read.

        Args:
            file_uri: URI of the file.
            mime_type: Media type of the file. Default: guessed from the name.
            media_resolution: See `from_bytes`.

        Raises:
            ValueError: No media type was given and the name does not tell it.
        """
        data = views.FileData(file_uri=file_uri, mime_type=_find_media_type(file_uri, mime_type))
        return cls(file_data=data, media_resolution=_to_media_resolution(media_resolution))

    @classmethod
    def from_function_call(cls, *, name: str, args: Mapping[str, object]) -> Part:
        """Build a part with a function call.

        Args:
            name: Name of the function.
            args: Arguments by name.
        """
        return cls(function_call=views.FunctionCall(name=name, args=args))

    @classmethod
    def from_function_response(
        cls,
        *,
        name: str,
        response: Mapping[str, object],
        parts: Sequence[views.FunctionResponsePart] | None = None,
    ) -> Part:
        """Build a part with the result of a function call.

        Args:
            name: Name of the function.
            response: The result, as a JSON object.
            parts: Media that belong to the result.
        """
        return cls(function_response=views.FunctionResponse(name=name, response=response, parts=parts))

    @classmethod
    def from_executable_code(cls, *, code: str, language: views.Language | str) -> Part:
        """Build a part with code written by a model.

        Args:
            code: Source text.
            language: Programming language.
        """
        return cls(executable_code=views.ExecutableCode(code=code, language=language))

    @classmethod
    def from_code_execution_result(cls, *, outcome: views.Outcome | str, output: str) -> Part:
        """Build a part with the result of executed code.

        Args:
            outcome: Outcome of the run.
            output: Output of the run.
        """
        return cls(code_execution_result=views.CodeExecutionResult(outcome=outcome, output=output))

    def as_image(self) -> Image | None:
        """Return the image in this part; None if it holds none."""
        return None if self.inline_data is None else Blob.of(self._pb.inline_data).as_image()


class Content(views.Content):
    """A turn of a conversation: its role and its parts."""

    __slots__ = ()


class UserContent(Content, registered=False):
    """A turn of the user."""

    __slots__ = ()

    def __init__(self, parts: PartUnion | Sequence[PartUnion]) -> None:
        """Build a content with the role ``user``.

        Args:
            parts: One part or several; anything that is accepted as a part, such as a string.
        """
        super().__init__(role="user", parts=_to_parts(parts))


class ModelContent(Content, registered=False):
    """A turn of the model."""

    __slots__ = ()

    def __init__(self, parts: PartUnion | Sequence[PartUnion]) -> None:
        """Build a content with the role ``model``.

        Args:
            parts: One part or several; anything that is accepted as a part, such as a string.
        """
        super().__init__(role="model", parts=_to_parts(parts))


def to_part(value: object, argument: str, family: Family = GEMINI) -> v1beta.Part:
    """Convert a value that is accepted as a part to a message.

    Args:
        value: See `PartUnion`.
        argument: Name of the argument, for error messages.
        family: The family of the message.

    Raises:
        ValueError: The value cannot be sent.
        TypeError: The value is of another type.
    """
    if isinstance(value, str):
        return family.part(text=value)
    value = adopt(value)
    message = message_of(value)
    if isinstance(message, family.part):
        return message
    message = translate_argument(message, argument, family)
    if isinstance(message, family.part):
        return message
    if isinstance(message, v1beta.File):
        if not message.uri or not message.mime_type:
            raise ValueError(f"{argument}: the file {message.name!r} has no uri or no mime_type yet")
        return family.part(file_data={"file_uri": message.uri, "mime_type": message.mime_type})
    for name, kinds in _SINGLE_FIELD_PARTS.items():
        if isinstance(value, kinds):
            part = family.part()
            family.fields(views.Part)[name].write(part, value)
            return part
    if isinstance(value, Mapping):
        return _dict_to_part(value, argument, family)
    if isinstance(value, (bytes, bytearray)):
        mime_type = media_types.guess_from_bytes(value, argument)
        return family.part(inline_data={"data": bytes(value), "mime_type": mime_type})
    if media_types.is_pil_image(value):
        data, mime_type = media_types.encode_image(value)
        return family.part(inline_data={"data": data, "mime_type": mime_type})
    raise TypeError(
        f"{argument}: expected a string, bytes, image, file, part or content, got {type(value).__name__}"
    )


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Return whether a value is accepted as a list of parts or contents."""
    return isinstance(value, (MutableSequence, tuple)) and not isinstance(value, bytearray)


def adopt(value: object) -> object:
    """Return our object for a pydantic model that stands for a content or a part; other values as they are.

    One whose class has the name of ours is that: google-genai's ``Blob`` is a `Blob`. Of another one, the
    fields count.
    """
    fields = unwrap(value)
    if fields is value or not isinstance(fields, Mapping):
        return value
    for base in type(value).__mro__:
        if kind := _BY_NAME.get(base.__name__):
            return kind(**fields)
    return fields


def translate_argument(message: object, argument: str, family: Family) -> object:
    """Return the message of a family for its counterpart; return any other value as it is.

    Raises:
        MissingFieldError: The family lacks a field that is set. The text begins with its path.
        ValueError: It lacks an enum value.
    """
    try:
        return family.own(message)
    except ValueError as error:
        raise locate(argument, error) from None


#: Views and messages that are one field of a part.
_SINGLE_FIELD_PARTS: dict[str, tuple[type, ...]] = {
    "inline_data": (views.Blob, v1beta.Blob),
    "file_data": (views.FileData, v1beta.FileData),
    "function_call": (views.FunctionCall, v1beta.FunctionCall),
    "function_response": (views.FunctionResponse, v1beta.FunctionResponse),
    "executable_code": (views.ExecutableCode, v1beta.ExecutableCode),
    "code_execution_result": (views.CodeExecutionResult, v1beta.CodeExecutionResult),
}


_BY_NAME: dict[str, type[View]] = {
    kind.__name__: kind
    for kind in (
        *(views.Content, views.Part, views.File, views.Blob, views.FileData, views.FunctionCall),
        *(views.FunctionResponse, views.ExecutableCode, views.CodeExecutionResult),
    )
}


def _dict_to_part(value: Mapping[str, Any], argument: str, family: Family) -> v1beta.Part:
    part: v1beta.Part
    try:
        part = message_of(family.view(views.Part)(**value))
    except (ValueError, TypeError) as error:
        if "uri" in value:
            return to_part(views.File(**value), argument, family)
        try:
            return to_part(views.FileData(**value), argument, family)
        except (ValueError, TypeError):
            raise locate(argument, error) from None
    return part


def _find_media_type(uri: str, mime_type: str | None) -> str:
    mime_type = mime_type or media_types.guess_from_name(uri)
    if not mime_type:
        raise ValueError(f"mime_type: Failed to determine mime type of {uri!r}; pass it")
    return mime_type


def _to_media_resolution(value: MediaResolutionUnion | None) -> Any:
    return views.PartMediaResolution(level=value) if isinstance(value, str) else value


def _to_parts(parts: object) -> list[v1beta.Part]:
    items = parts if is_list(parts) else [parts]
    if not items:
        raise ValueError("parts: the list is empty; a turn has at least one part")
    return [to_part(item, f"parts[{index}]") for index, item in enumerate(items)]
