"""Classes of the views whose messages a field tells apart."""

from __future__ import annotations


class Variant(type):
    """Class of the views of one kind of a message, which a field tells apart.

    A message of this kind is an instance of the class, whatever its view is; the constructor sets the field.
    """

    _condition: tuple[str, str]

    def __new__(
        cls, name: str, bases: tuple[type, ...], members: dict[str, object], **condition: str
    ) -> Variant:
        """Create the class; ``condition`` is the field, and its value."""
        made = super().__new__(cls, name, bases, members, registered=False)
        ((field, value),) = condition.items()
        made._condition = (field, value)
        return made

    def __init__(cls, name: str, bases: tuple[type, ...], members: dict[str, object], **_: str) -> None:
        super().__init__(name, bases, members)

    def __call__(cls, **fields: object) -> object:
        field, value = cls._condition
        if fields.setdefault(field, value) != value:
            raise ValueError(f"{field}: a {cls.__name__} has {value!r}, got {fields[field]!r}")
        return super().__call__(**fields)

    def __instancecheck__(cls, value: object) -> bool:
        field, wanted = cls._condition
        return isinstance(value, cls.__bases__) and getattr(value, field) == wanted
