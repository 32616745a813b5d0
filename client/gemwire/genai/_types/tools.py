"""Tools and function declarations."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from gemwire.genai._json.functions import describe_function, get_function_name
from gemwire.genai._types.function_schemas import build_parameters, build_result
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
        use_json_schema: bool = False,
    ) -> FunctionDeclaration:
        """Declare a Python function as google-genai does; see `from_callable_with_api_option`.

        Args:
            client: A client: with one of Vertex AI, the result is declared as well.
            callable: The function.
            behavior: Whether the model waits for the result; live sessions only.
            use_json_schema: Whether the function is declared with JSON Schema, as `from_function` does.
        """
        return cls.from_callable_with_api_option(
            callable=callable,
            api_option="VERTEX_AI" if getattr(client, "vertexai", False) else "GEMINI_API",
            behavior=behavior,
            use_json_schema=use_json_schema,
        )

    @classmethod
    def from_callable_with_api_option(
        cls,
        *,
        callable: Callable[..., object],  # noqa: A002
        api_option: str = "GEMINI_API",
        behavior: views.Behavior | str | None = None,
        use_json_schema: bool = False,
    ) -> FunctionDeclaration:
        """Declare a Python function as google-genai does: with `Schema`, and with its whole docstring.

        Functions in ``config.tools`` are declared as `from_function` does, which describes parameters too.

        Args:
            callable: The function.
            api_option: ``GEMINI_API``, ``ENTERPRISE`` or ``VERTEX_AI``; with the latter two, the result is
                declared as well.
            behavior: Whether the model waits for the result; live sessions only.
            use_json_schema: See `from_callable`.

        Raises:
            ValueError: The option is none of these, or a parameter has no schema.
        """
        if api_option not in {"ENTERPRISE", "GEMINI_API", "VERTEX_AI"}:
            raise ValueError(f"api_option: {api_option!r} is not one of ENTERPRISE, GEMINI_API, VERTEX_AI")
        if use_json_schema:
            return cls.from_function(callable, behavior)
        parameters, parameters_json_schema = build_parameters(callable)
        is_gemini = api_option == "GEMINI_API"
        response, response_json_schema = (None, None) if is_gemini else build_result(callable)
        return cls(
            name=get_function_name(callable),
            description=inspect.getdoc(callable),
            behavior=behavior,
            parameters=parameters,
            parameters_json_schema=parameters_json_schema,
            response=response,
            response_json_schema=response_json_schema,
        )
