"""The order of keys in JSON Schemas, which messages do not keep: it is noted as ``propertyOrdering``."""

from __future__ import annotations

#: Fields whose schemas say in which order an answer has its keys.
ORDERED_SCHEMAS = frozenset({"response_json_schema", "response_json_schema_ordered", "json_schema"})


def note_order(schema: object) -> object:
    """Return a JSON Schema in which each object without a ``propertyOrdering`` has that of its properties."""
    if isinstance(schema, list):
        return [note_order(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    noted = {key: note_order(value) for key, value in schema.items()}
    properties = schema.get("properties")
    if isinstance(properties, dict):
        # The properties may have these names themselves.
        noted["properties"] = {name: note_order(value) for name, value in properties.items()}
        if len(properties) > 1 and schema.get("type", "object") == "object":
            noted.setdefault("propertyOrdering", list(properties))
    return noted
