"""Between JSON and messages, the way the REST API does it: ``google.api.http``'s rules and protobuf's JSON.

What the public protos do not have is left out without complaint in bodies, as Google's SDKs send more than
there is in gRPC, and refused in queries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor

from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_emulator.http.json_reader import JsonReader
from gemwire_emulator.http.json_writer import JsonWriter, is_repeated
from gemwire_emulator.http.router import Match
from gemwire_proto import POOL, v1beta
from gemwire_proto.google.longrunning import operations_pb2

#: Query parameters that are about the call and not in the request; a leading ``$`` may be left out.
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


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


#: One for all: `json.loads` makes one for each text.
_JSON = json.JSONDecoder(parse_constant=_no_number)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NAMES, _NUMBERS = JsonWriter(), JsonWriter(integer_enums=True)
_PLAIN = JsonReader()
_WHOLE_NUMBERS = frozenset({FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32})


def build_request(match: Match, query: Iterable[tuple[str, str]], body: bytes) -> Any:
    """The request that a path, a query and a body make.

    Args:
        match: What the path means.
        query: Its parameters, in order.
        body: JSON, or nothing.

    Raises:
        StatusError: One of them does not fit.
    """
    kind, binding = match.route.endpoint.request, match.route.binding
    data: Any = parse_json(body) if body.strip() else {}
    if binding.body and not isinstance(data, dict):
        raise _bad_json("the root element must be an object")
    inferred = binding.verb == "patch" and "update_mask" in kind.DESCRIPTOR.fields_by_name
    fields: dict[str, Any] = {}
    if binding.body == "*":
        fields = data
    elif binding.body:
        fields = {binding.body: data}
    # A GET or DELETE has no body that means anything; Google's Node client sends `{}` with DELETE.
    _add_query(kind.DESCRIPTOR, fields, query)
    request = parse_message(kind, fields)
    for path, value in match.values.items():
        _assign(request, path, value)
    if inferred and not request.HasField("update_mask"):
        # As transcoding servers do it: what a PATCH brings is what it changes.
        part = getattr(request, binding.body).DESCRIPTOR
        named = (_field(part, key) for key in data)
        request.update_mask.paths.extend(f.name for f in named if f is not None and f.name != "name")
    return request


def parse_json(body: bytes | str) -> Any:
    """The value that some JSON is.

    Raises:
        StatusError: It is none.
    """
    try:
        text = body.decode() if isinstance(body, bytes) else body
        data = _JSON.decode(text)
        if _SURROGATE.search(text):
            json.dumps(data, ensure_ascii=False).encode()  # Halves of a pair are no text: it says so.
        return data
    except (ValueError, RecursionError) as error:
        raise _bad_json(str(error)) from None


def parse_message(kind: Any, data: Any) -> Any:
    """The message that a JSON object is.

    Args:
        kind: Its class.
        data: The object.

    Raises:
        StatusError: It is no such message.
    """
    if not isinstance(data, dict):
        raise _bad_json("the root element must be an object")
    plain = _PLAIN.read(kind, data)
    if plain is not None:
        return plain
    message = kind()
    try:
        tidied = _tidied(data, message.DESCRIPTOR)
        json_format.ParseDict(tidied, message, ignore_unknown_fields=True, descriptor_pool=POOL)
    except (
        json_format.ParseError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise _bad_json(str(error)) from None
    return message


def to_json(message: Any, *, integer_enums: bool = False) -> str:
    """A message as JSON: camelCase, without what is not set.

    Args:
        message: The message.
        integer_enums: Write enums as numbers, as ``$alt=json;enum-encoding=int`` asks.
    """
    by_hand = _BY_HAND.get(type(message))
    if by_hand:
        return by_hand(message)
    text = (_NUMBERS if integer_enums else _NAMES).write(message)
    if isinstance(message, (operations_pb2.Operation, operations_pb2.ListOperationsResponse)):
        data = json.loads(text)
        _open_structs(data)
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text


def _open_structs(data: dict[str, Any]) -> None:
    """A batch has no proto: the Struct that stands for one has its fields, with its true ``@type``."""
    for operation in data.get("operations", [data]):
        for name in ("metadata", "response"):
            packed = operation.get(name, {})
            if packed.get("@type", "").endswith("/google.protobuf.Struct"):
                operation[name] = packed["value"]


def _numbers(values: Iterable[float]) -> str:
    # Nine digits are what a float of 32 bits is; json_format's search for fewer takes 1 µs a number.
    return '{"values":[' + ",".join(map("%.9g".__mod__, values)) + "]}"


def _embedding(message: Any) -> str:
    return '{"embedding":' + _numbers(message.embedding.values) + "}"


def _embeddings(message: Any) -> str:
    return '{"embeddings":[' + ",".join(_numbers(e.values) for e in message.embeddings) + "]}"


_BY_HAND = {
    v1beta.EmbedContentResponse: _embedding,
    v1beta.BatchEmbedContentsResponse: _embeddings,
}


def _bad_json(why: str) -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, f"Invalid JSON payload received. {why}")


def _field(descriptor: Any, key: str) -> Any:
    """The field of a JSON name or of a proto name."""
    found = descriptor.fields_by_name.get(key)
    return found if found is not None else descriptor.fields_by_camelcase_name.get(key)


def _tidied(value: Any, descriptor: Any) -> Any:
    """What the service reads and json_format does not: names of enums in lower case."""
    if descriptor.full_name.startswith("google.protobuf.") or not isinstance(value, dict):
        return value
    tidy = {}
    for key, item in value.items():
        field = _field(descriptor, key) if isinstance(key, str) else None
        if field is None:
            continue
        if field.type == FieldDescriptor.TYPE_ENUM:
            tidy[key] = [_enum(i, field) for i in item] if isinstance(item, list) else _enum(item, field)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            nested = field.message_type
            tidy[key] = (
                [_tidied(i, nested) for i in item] if isinstance(item, list) else _tidied(item, nested)
            )
        elif field.message_type is not None and isinstance(item, dict):
            entry = field.message_type.fields_by_name["value"].message_type
            tidy[key] = {k: _tidied(v, entry) for k, v in item.items()} if entry else item
        else:
            tidy[key] = item
    return tidy


def _enum(value: Any, field: Any) -> Any:
    if not isinstance(value, str):
        return value
    names = field.enum_type.values_by_name
    if value in names:
        return value
    if value.upper() in names:
        return value.upper()
    try:
        return int(value)
    except ValueError:
        raise invalid_argument(field.name, f"{value!r} is none of {', '.join(names)}") from None


def _add_query(descriptor: Any, fields: dict[str, Any], query: Iterable[tuple[str, str]]) -> None:
    for key, text in query:
        if key.lstrip("$") in SYSTEM_PARAMETERS:
            continue
        here, at = fields, descriptor
        *parents, last = key.split(".")
        for name in parents:
            field = _field(at, name)
            if field is None or field.message_type is None or is_repeated(field):
                raise _unknown_parameter(key)
            here, at = here.setdefault(field.name, {}), field.message_type
            if not isinstance(here, dict):
                raise _unknown_parameter(key)
        field = _field(at, last)
        if field is None:
            raise _unknown_parameter(key)
        value = _scalar(field, text, key)
        if is_repeated(field):
            values = here.setdefault(field.name, [])
            if not isinstance(values, list):
                raise _unknown_parameter(key)
            values.append(value)
        else:
            here[field.name] = value


def _scalar(field: Any, text: str, key: str) -> Any:
    if field.message_type is not None and not field.message_type.full_name.startswith("google.protobuf."):
        raise invalid_argument(key, "is a message; name one of its fields")
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        if text.lower() not in {"true", "false", "1", "0"}:
            raise invalid_argument(key, f"{text!r} is neither true nor false")
        return text.lower() in {"true", "1"}
    if field.cpp_type in _WHOLE_NUMBERS:
        try:
            return int(text)
        except ValueError:
            raise invalid_argument(key, f"{text!r} is no whole number") from None
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.FieldMask":
        # In JSON camelCase; older clients send the names of the proto.
        return ",".join(_camel(path) for path in text.split(",") if path)
    return text


def _camel(path: str) -> str:
    head, *rest = path.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def _unknown_parameter(key: str) -> StatusError:
    return StatusError(
        grpc.StatusCode.INVALID_ARGUMENT,
        f'Invalid JSON payload received. Unknown name "{key}": Cannot bind query parameter.',
    )


def _assign(request: Any, path: str, value: str) -> None:
    *parents, last = path.split(".")
    for name in parents:
        request = getattr(request, name)
    try:
        setattr(request, last, value)
    except (ValueError, UnicodeEncodeError):
        raise invalid_argument(path, f"{value!r} is no text") from None
