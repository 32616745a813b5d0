"""Query parameters as request fields, by the rules of ``google.api.http``."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gemwire_emulator.errors import StatusError, invalid_argument, shorten
from gemwire_emulator.json_codec.descriptors import find_field, is_repeated, is_well_known
from gemwire_emulator.json_codec.messages import create_json_error

#: Query parameters of every method, which are not fields of the request; a leading ``$`` is optional.
SYSTEM_PARAMETERS = frozenset(
    {
        "access_token",
        "alt",
        "callback",
        "enum-encoding",
        "fields",
        "key",
        "oauth_token",
        "prettyPrint",
        "quotaUser",
        "uploadType",
        "upload_protocol",
        "userProject",
        ".xgafv",
    }
)
_INT32 = frozenset({FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32})


def add_query(request: Descriptor, fields: dict[str, object], query: Iterable[tuple[str, str]]) -> None:
    """Add query parameters to the JSON fields of a request.

    Args:
        request: Type of the request.
        fields: Its fields as JSON values; extended.
        query: The parameters in order.

    Raises:
        StatusError: A parameter is not a field of the request, or has a value of another type.
    """
    for key, text in query:
        if key.lstrip("$") in SYSTEM_PARAMETERS:
            continue
        target, descriptor = fields, request
        *parents, last = key.split(".")
        for name in parents:
            field = find_field(descriptor, name)
            if field is None or field.message_type is None or is_repeated(field):
                raise _create_binding_error(key)
            nested = target.setdefault(field.name, {})
            if not isinstance(nested, dict):
                raise _create_binding_error(key)
            target, descriptor = nested, field.message_type
        field = find_field(descriptor, last)
        if field is None:
            raise _create_binding_error(key)
        value = _parse_scalar(field, text, key)
        if is_repeated(field):
            values = target.setdefault(field.name, [])
            if not isinstance(values, list):
                raise _create_binding_error(key)
            values.append(value)
        else:
            target[field.name] = value


def _parse_scalar(field: FieldDescriptor, text: str, key: str) -> object:
    message = field.message_type
    if message is not None and not is_well_known(message):
        raise invalid_argument(key, "is a message; name one of its fields")
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        if text.lower() not in {"true", "false", "1", "0"}:
            raise invalid_argument(key, f"{text!r} is neither true nor false")
        return text.lower() in {"true", "1"}
    if field.cpp_type in _INT32:
        try:
            return int(text)
        except ValueError:
            raise invalid_argument(key, f"{text!r} is not an integer") from None
    if message is not None and message.full_name == "google.protobuf.FieldMask":
        # camelCase in JSON; older clients send the names of the proto.
        return ",".join(_to_camel_case(path) for path in text.split(",") if path)
    return text


def _to_camel_case(path: str) -> str:
    head, *rest = path.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def _create_binding_error(key: str) -> StatusError:
    return create_json_error(
        f'Unknown name "{shorten(key)}": Cannot bind query parameter. '
        f"Field '{shorten(key)}' could not be found in request message."
    )
