"""Cached contents as messages."""

from __future__ import annotations

from gemwire.genai._convert.contents import to_contents, to_system_instruction
from gemwire.genai._convert.fields import write_config_field
from gemwire.genai._convert.resource_names import to_model_name, to_resource_name
from gemwire.genai._convert.tools import to_tools
from gemwire.genai._types.caches import CreateCachedContentConfig, UpdateCachedContentConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import fields_of

COLLECTION = "cachedContents"
_FIELDS = fields_of(views.CachedContent)


def to_cached_content(model: object, config: CreateCachedContentConfig) -> v1beta.CachedContent:
    """Build the cached content to create."""
    cache = v1beta.CachedContent(model=to_model_name(model))
    _check_expiration(config)
    for name, value in config.given():
        if name == "contents":
            cache.contents.extend(to_contents(config.contents, "config.contents"))
        elif name == "system_instruction":
            cache.system_instruction.CopyFrom(to_system_instruction(value))
        elif name == "tools":
            cache.tools.extend(to_tools(value))
        elif name != "http_options":
            write_config_field(_FIELDS[name], cache, value)
    return cache


def to_cached_content_update(
    name: object, config: UpdateCachedContentConfig
) -> tuple[v1beta.CachedContent, list[str]]:
    """Build the cached content to update; return it and the names of the fields to change."""
    cache = v1beta.CachedContent(name=to_resource_name(name, COLLECTION))
    _check_expiration(config)
    changes = {field: value for field, value in config.given() if field != "http_options"}
    if not changes:
        raise ValueError("config: nothing to change; set ttl or expire_time")
    for field, value in changes.items():
        write_config_field(_FIELDS[field], cache, value)
    return cache, list(changes)


def _check_expiration(config: CreateCachedContentConfig | UpdateCachedContentConfig) -> None:
    if config.ttl is not None and config.expire_time is not None:
        raise ValueError("config: ttl and expire_time are mutually exclusive")
