"""Safety filters, by marks in the prompt: nothing here judges content.

``[[block:HARM_CATEGORY_HARASSMENT]]`` in a text stands for content of that
category; it is blocked unless the request's settings let it pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gemwire_emulator.errors import invalid_argument, quote
from gemwire_proto import v1beta

_MARK = re.compile(r"\[\[block:(HARM_CATEGORY_[A-Z_]+)\]\]")
_THRESHOLDS = v1beta.SafetySetting.HarmBlockThreshold


def blocked(texts: Iterable[str], settings: Any, field: str = "contents") -> dict[str, Any] | None:
    """The safety rating that blocks the texts; None where nothing does.

    Args:
        texts: What a caller wants a model to read.
        settings: SafetySetting messages.
        field: Where the texts are in the request.

    Raises:
        StatusError: Two settings are for one category, or a mark is for none.
    """
    chosen: dict[int, int] = {}
    for i, setting in enumerate(settings):
        if setting.category in chosen:
            raise invalid_argument(
                f"safety_settings[{i}].category", "has a setting already; give one for each category"
            )
        chosen[setting.category] = setting.threshold
    for text in texts:
        for name in _MARK.findall(text):
            try:
                category = v1beta.HarmCategory.Value(name)
            except ValueError:
                raise invalid_argument(
                    field, f"{quote(f'[[block:{name}]]')} names no harm category"
                ) from None
            if chosen.get(category) not in (_THRESHOLDS.BLOCK_NONE, _THRESHOLDS.OFF):
                return {"category": name, "probability": "HIGH", "blocked": True}
    return None
