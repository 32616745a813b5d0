"""Version v1 of the API: every message and enum by its plain name.

    from gemwire import v1

    request = v1.GenerateContentRequest(
        model="models/gemini-2.5-flash",
        contents=[{"role": "user", "parts": [{"text": "hi"}]}],
    )

Each is loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemwire_proto import v1 as _messages

if TYPE_CHECKING:
    from gemwire_proto.v1 import *  # noqa: F403

__all__ = list(_messages.__all__)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    value = globals()[name] = getattr(_messages, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
