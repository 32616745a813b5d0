"""The order of the properties of a `Schema`, which the map that holds them does not keep."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import Message

from gemwire_proto import v1beta
from gemwire_proto.v1beta import views as views  # registers them
from gemwire_runtime.upb import descriptor_of
from gemwire_runtime.view_fields import ListField, MapField
from gemwire_runtime.views import replace_field


class _PropertiesField(MapField):
    """Notes the order of several properties in ``property_ordering``, unless that is set."""

    def write(self, message: Message, value: object) -> None:
        super().write(message, value)
        if isinstance(message, v1beta.Schema) and isinstance(value, Mapping) and len(value) > 1:
            message.property_ordering.extend(() if message.property_ordering else value)


class _OrderingField(ListField):
    """Replaces the order that was noted."""

    def write(self, message: Message, value: object) -> None:
        message.ClearField(self.name)
        super().write(message, value)


def _declare_order() -> None:
    fields = descriptor_of(v1beta.Schema).fields_by_name
    replace_field(v1beta.Schema, _PropertiesField(fields["properties"]))
    replace_field(v1beta.Schema, _OrderingField(fields["property_ordering"]))


_declare_order()
