"""Cached contents as messages."""

from __future__ import annotations

from gemwire.genai._convert.contents import to_contents, to_system_instruction
from gemwire.genai._convert.fields import write_config_field
from gemwire.genai._convert.tools import to_tools
from gemwire.genai._types.caches import CreateCachedContentConfig, UpdateCachedContentConfig
from gemwire.genai._types.family import Family
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views

COLLECTION = "cachedContents"
_LOCAL = frozenset({"http_options", "kms_key_name"})


def to_cached_content(model: str, config: CreateCachedContentConfig, family: Family) -> v1beta.CachedContent:
    """Build the cached content to create, for a model with its full name."""
    cache = family.cached_content(model=model)
    fields = family.fields(views.CachedContent)
    _check_expiration(config)
    for name, value in config.given():
        if name == "contents":
            cache.contents.extend(to_contents(config.contents, "config.contents", family))
        elif name == "system_instruction":
            cache.system_instruction.CopyFrom(to_system_instruction(value, family))
        elif name == "tools":
            write_config_field(fields[name], cache, to_tools(value))
        elif name not in _LOCAL:
            write_config_field(fields[name], cache, value)
    return cache


def to_cached_content_update(
    name: str, config: UpdateCachedContentConfig, family: Family
) -> tuple[v1beta.CachedContent, list[str]]:
    """Build the cached content to update; return it and the names of the fields to change."""
    cache = family.cached_content(name=name)
    fields = family.fields(views.CachedContent)
    _check_expiration(config)
    changes = {field: value for field, value in config.given() if field != "http_options"}
    if not changes:
        raise ValueError("config: nothing to change; set ttl or expire_time")
    for field, value in changes.items():
        write_config_field(fields[field], cache, value)
    return cache, list(changes)


def _check_expiration(config: CreateCachedContentConfig | UpdateCachedContentConfig) -> None:
    if config.ttl is not None and config.expire_time is not None:
        raise ValueError("config: ttl and expire_time are mutually exclusive")
