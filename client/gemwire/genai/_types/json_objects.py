"""Objects that messages hold as JSON: dicts whose keys are known."""

from __future__ import annotations

from typing import ClassVar

from gemwire_runtime.field_errors import describe_unknown


class JsonObject(dict[str, object]):
    """A JSON object with named fields, which are attributes as well. Fields that are None are left out.

    The annotations of a subclass are its fields; their values are constants that every object has.
    """

    __fields__: ClassVar[frozenset[str]] = frozenset()
    __constants__: ClassVar[dict[str, object]] = {}

    def __init_subclass__(cls) -> None:
        cls.__fields__ = frozenset(vars(cls).get("__annotations__", ()))
        cls.__constants__ = {name: vars(cls)[name] for name in cls.__fields__ if name in vars(cls)}
        for name in cls.__constants__:
            delattr(cls, name)

    def __init__(self, **fields: object) -> None:
        """Set the given fields.

        Raises:
            ValueError: A field does not exist.
        """
        super().__init__(self.__constants__)
        for name, value in fields.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> object:
        if name in self.__fields__:
            return self.get(name)
        raise AttributeError(describe_unknown(type(self).__name__, name, self.__fields__))

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self.__fields__:
            raise ValueError(describe_unknown(type(self).__name__, name, self.__fields__))
        if value is None:
            self.pop(name, None)
        else:
            self[name] = value

    def __reduce__(self) -> tuple[object, ...]:
        return type(self).model_validate, (dict(self),)

    @classmethod
    def model_validate(cls, obj: dict[str, object]) -> JsonObject:
        """Build an object from a dict of its fields.

        Raises:
            ValueError: A field does not exist.
        """
        return cls(**obj)

    def model_dump(self, **_: object) -> dict[str, object]:
        """Return the fields that are set as a dict. pydantic's options are accepted."""
        return dict(self)
