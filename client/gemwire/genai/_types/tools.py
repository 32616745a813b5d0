"""Tools and function declarations."""

from __future__ import annotations

from collections.abc import Callable

from gemwire.genai._json.functions import describe_function
from gemwire_proto.v1beta import views

Mode = views.DynamicRetrievalConfigMode


class FunctionDeclaration(views.FunctionDeclaration):
    """Declaration of a function that the model may call."""

    __slots__ = ()

    @classmethod
    def from_function(
        cls,
        function: Callable[..., object],
        behavior: views.Behavior | str | None = None,
    ) -> FunctionDeclaration:
        """Declare a Python function by its name, signature and docstring.

        Sections of the docstring about parameters describe these; the rest describes the function.
        ``*args``, ``**kwargs`` and arguments bound by a `functools.partial` are left out.

        Args:
            function: A function, method, partial or callable object; it may be async.
            behavior: Whether the model waits for the result; live sessions only.

        Raises:
            ValueError: The API does not accept the name, or a parameter has no schema.
            TypeError: The value is not a function.
        """
        schema = describe_function(function)
        return cls(
            name=schema.name,
            description=schema.description,
            behavior=behavior,
            parameters_json_schema=schema.parameters,
            response_json_schema=schema.result,
        )

    @classmethod
    def from_callable(
        cls,
        *,
        client: object = None,
        callable: Callable[..., object],  # noqa: A002
        behavior: views.Behavior | str | None = None,
        use_json_schema: bool = True,
    ) -> FunctionDeclaration:
        """Declare a Python function; see `from_function`.

        Args:
            client: Accepted for compatibility with google-genai and ignored.
            callable: The function.
            behavior: Whether the model waits for the result; live sessions only.
            use_json_schema: The same; functions are always declared with JSON Schema.
        """
        return cls.from_function(callable, behavior)

    @classmethod
    def from_callable_with_api_option(
        cls,
        *,
        callable: Callable[..., object],  # noqa: A002
        api_option: str = "GEMINI_API",
        behavior: views.Behavior | str | None = None,
        use_json_schema: bool = True,
    ) -> FunctionDeclaration:
        """Declare a Python function; see `from_function`.

        Args:
            callable: The function.
            api_option: ``GEMINI_API``, ``ENTERPRISE`` or ``VERTEX_AI``; the declaration is the same for all.
            behavior: Whether the model waits for the result; live sessions only.
            use_json_schema: See `from_callable`.

        Raises:
            ValueError: The option is neither.
        """
        if api_option not in {"ENTERPRISE", "GEMINI_API", "VERTEX_AI"}:
            raise ValueError(f"api_option: {api_option!r} is not one of ENTERPRISE, GEMINI_API, VERTEX_AI")
        return cls.from_function(callable, behavior)
