"""Contents as messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gemwire.genai._types.content import (
    ContentListUnion,
    ContentUnion,
    adopt,
    is_list,
    to_part,
    translate_argument,
)
from gemwire.genai._types.family import GEMINI, Family
from gemwire_proto import v1beta
from gemwire_runtime.view_fields import message_of

_ROLES = frozenset({"", "user", "model", "function", "tool"})


def to_contents(
    contents: ContentListUnion | None, argument: str = "contents", family: Family = GEMINI
) -> list[v1beta.Content]:
    """Convert the contents of a request to messages.

    Consecutive parts become one content: of the model if all of them are function calls, otherwise of the
    user. An inner list becomes one content of the user.

    Args:
        contents: A text, bytes, part, content, file, Pillow image, a dict of one, or a list of these.
        argument: Name of the argument, for error messages.
        family: The family of the messages.
    """
    if contents is None or (is_list(contents) and not contents):
        raise ValueError(f"{argument} are required: a string, a part, a content, or a list of them")
    if not is_list(contents):
        return [to_content(contents, argument, family)]
    messages: list[v1beta.Content] = []
    parts: list[v1beta.Part] = []

    def flush() -> None:
        if parts:
            messages.append(_group_parts(parts, family))
            parts.clear()

    for index, item in enumerate(contents):
        place = f"{argument}[{index}]"
        if isinstance(item, family.content) and item.role in _ROLES:
            # The turns of a chat, which may be many, take the shortest way.
            flush()
            messages.append(item)
        elif is_list(item):
            flush()
            messages.append(family.content(role="user", parts=_to_parts(item, place, family)))
        elif (content := _find_content(item, place, family)) is not None:
            flush()
            messages.append(content)
        else:
            part = to_part(item, place, family)
            if parts and _is_call(parts[-1]) != _is_call(part):
                flush()
            parts.append(part)
    flush()
    return messages


def to_content(value: ContentUnion | object, argument: str, family: Family = GEMINI) -> v1beta.Content:
    """Convert one content to a message."""
    if is_list(value):
        return _group_parts(_to_parts(value, argument, family), family)
    content = _find_content(value, argument, family)
    return _group_parts([to_part(value, argument, family)], family) if content is None else content


def to_system_instruction(value: ContentUnion | object, family: Family = GEMINI) -> v1beta.Content:
    """Convert a system instruction to a message of its own."""
    content = family.content()
    content.CopyFrom(to_content(value, "config.system_instruction", family))
    return content


def copy_contents(contents: Sequence[v1beta.Content]) -> list[v1beta.Content]:
    """Copy contents of a request: one that is kept would keep the whole request in memory."""
    copies = []
    for content in contents:
        copy = type(content)()
        copy.CopyFrom(content)
        copies.append(copy)
    return copies


def _find_content(value: object, argument: str, family: Family) -> v1beta.Content | None:
    """Return the message of a value that is a content; None if it is not."""
    if isinstance(value, str):
        return None
    value = adopt(value)
    message = message_of(value)
    if isinstance(value, Mapping) and value.keys() <= {"role", "parts"}:
        parts = value.get("parts") or []
        parts = parts if isinstance(parts, Sequence) and not isinstance(parts, str) else [parts]
        message = family.content(
            role=value.get("role") or "", parts=_to_parts(parts, f"{argument}.parts", family)
        )
    if not isinstance(message, family.content):
        message = translate_argument(message, argument, family)
        if not isinstance(message, family.content):
            return None
    if message.role not in _ROLES:
        hint = "; use config.system_instruction" if message.role == "system" else ""
        raise ValueError(f"{argument}.role: {message.role!r} is neither 'user' nor 'model'{hint}")
    return message


def _to_parts(items: Sequence[object], argument: str, family: Family) -> list[v1beta.Part]:
    return [to_part(item, f"{argument}[{index}]", family) for index, item in enumerate(items)]


def _is_call(part: v1beta.Part) -> bool:
    return part.HasField("function_call")


def _group_parts(parts: Sequence[v1beta.Part], family: Family) -> v1beta.Content:
    role = "model" if parts and all(map(_is_call, parts)) else "user"
    return family.content(role=role, parts=parts)
