"""Python types of proto fields, as they are read and as they are accepted."""

from __future__ import annotations

from .model import Field, Model

_PROTOBUF = "google.protobuf"
#: What else a field of a well-known type takes, besides the message itself and a dict.
_WELL_KNOWN_INPUTS = {
    f"{_PROTOBUF}.Timestamp": "_datetime.datetime",
    f"{_PROTOBUF}.Duration": "_datetime.timedelta",
}


class Types:
    """Spells types for one module, and remembers which modules that needs."""

    def __init__(self, model: Model, home: str | None) -> None:
        """``home`` is the module being written; its own names are spelled without a prefix."""
        self.model = model
        self._home = home
        self.modules: set[str] = set()
        self.foreign: set[str] = set()

    def name(self, full_name: str) -> str:
        """A message or enum class."""
        module = self.model.homes[full_name].module
        python = self.model.python_name(full_name)
        if module == self._home:
            return python
        self.modules.add(module)
        return f"{alias(module)}.{python}"

    def _input_item(self, field: Field) -> str:
        if field.kind == "scalar":
            return field.type_name
        if field.kind == "enum":
            return f"{self.name(field.type_name)} | str | int"
        accepted = [self.name(field.type_name)]
        home = self.model.homes[field.type_name]
        if home.package == _PROTOBUF:
            foreign = home.path.removesuffix(".proto").replace("/", ".") + "_pb2"
            self.foreign.add(foreign)
            accepted.append(f"{alias(foreign)}.{self.model.python_name(field.type_name)}")
            if extra := _WELL_KNOWN_INPUTS.get(field.type_name):
                accepted.append(extra)
        return " | ".join([*accepted, "_Mapping[str, _Any]"])

    def input(self, field: Field) -> str:
        """Return the type that constructors and calls accept for the field, without None."""
        item = self._input_item(field)
        if field.map_key:
            return f"_Mapping[{field.map_key}, {item}]"
        return f"_Iterable[{item}]" if field.repeated else item

    def value(self, field: Field) -> str:
        """Return the type of the field when read."""
        item = field.type_name if field.kind == "scalar" else self.name(field.type_name)
        if field.map_key:
            container = "MessageMap" if field.kind == "message" else "ScalarMap"
            return f"_containers.{container}[{field.map_key}, {item}]"
        if not field.repeated:
            return item
        kind = "Composite" if field.kind == "message" else "Scalar"
        return f"_containers.Repeated{kind}FieldContainer[{item}]"

    def imports(self) -> list[str]:
        """Import lines for every module that was named."""
        lines = []
        for module in sorted(self.modules | self.foreign):
            package, _, leaf = module.rpartition(".")
            lines.append(f"from {package} import {leaf} as {alias(module)}")
        return lines


def alias(module: str) -> str:
    """``gemwire_proto.google.rpc.status_pb2`` as ``_rpc_status_pb2``, protobuf's own as ``_twin_…``."""
    parts = module.split(".")
    if parts[0] == "google":
        return f"_twin_{parts[-1]}"
    return f"_{parts[-2]}_{parts[-1]}"
