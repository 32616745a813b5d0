"""Caches: from a config to the message that is sent."""

from __future__ import annotations

from typing import Any

from gemwire.genai._convert.requests import system_instruction
from gemwire.genai._convert.resource_names import model_name, resource_name
from gemwire.genai._types.content import to_contents
from gemwire.genai._types.functions import to_tools
from gemwire.genai._types.resource_configs import CreateCachedContentConfig, UpdateCachedContentConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views

COLLECTION = "cachedContents"


def created(model: Any, config: CreateCachedContentConfig) -> Any:
    """The CachedContent to create. Nothing that is given is changed.

    Args:
        model: Name of the model that the cache is for.
        config: What is cached.

    Raises:
        ValueError: A value is none that can be sent.
        TypeError: A value is of a wrong type.
    """
    cache = v1beta.CachedContent(model=model_name(model))
    _check_expiration(config)
    for name, value in config.given():
        if name == "contents":
            cache.contents.extend(to_contents(value, "config.contents"))
        elif name == "system_instruction":
            cache.system_instruction.CopyFrom(system_instruction(value))
        elif name == "tools":
            cache.tools.extend(to_tools(value))
        elif name == "kms_key_name":
            raise ValueError("config.kms_key_name is of Vertex AI; the Gemini API does not have it")
        elif name != "http_options":
            _write(cache, name, value)
    return cache


def updated(name: Any, config: UpdateCachedContentConfig) -> tuple[Any, list[str]]:
    """The CachedContent to update, and which of its fields.

    Raises:
        ValueError: It is no name, or nothing is to be changed, or a value is none that can be sent.
        TypeError: A value is of a wrong type.
    """
    cache = v1beta.CachedContent(name=resource_name(name, COLLECTION))
    _check_expiration(config)
    changes = {field: value for field, value in config.given() if field != "http_options"}
    if not changes:
        raise ValueError("config: says nothing that is to be changed; there are ttl and expire_time")
    for field, value in changes.items():
        _write(cache, field, value)
    return cache, list(changes)


def _check_expiration(config: CreateCachedContentConfig | UpdateCachedContentConfig) -> None:
    if config.ttl is not None and config.expire_time is not None:
        raise ValueError("config: ttl and expire_time exclude each other")


def _write(cache: Any, name: str, value: Any) -> None:
    try:
        views.CachedContent._fields[name].write(cache, value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"config.{error}") from None
