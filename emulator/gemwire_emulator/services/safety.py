"""Safety filters by markers in the prompt; content is not judged.

``[[block:HARM_CATEGORY_HARASSMENT]]`` in a text stands for content of that category, which is blocked unless
the safety settings allow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gemwire_emulator.errors import invalid_argument, quote
from gemwire_proto import v1beta

_MARKER = re.compile(r"\[\[block:(HARM_CATEGORY_[A-Z_]+)\]\]")
_THRESHOLDS = v1beta.SafetySetting.HarmBlockThreshold


def find_blocking_rating(
    texts: Iterable[str], settings: Iterable[v1beta.SafetySetting], field: str = "contents"
) -> v1beta.SafetyRating | None:
    """Return the safety rating that blocks some texts, None if nothing does.

    Args:
        texts: Texts of the prompt.
        settings: The safety settings.
        field: Path of the field, for errors.

    Raises:
        StatusError: A category has two settings, or a marker names no category.
    """
    chosen: dict[int, int] = {}
    for i, setting in enumerate(settings):
        if setting.category in chosen:
            raise invalid_argument(
                f"safety_settings[{i}].category", "already has a setting; set each category once"
            )
        chosen[setting.category] = setting.threshold
    for text in texts:
        for name in _MARKER.findall(text):
            try:
                category = v1beta.HarmCategory.Value(name)
            except ValueError:
                raise invalid_argument(
                    field, f"{quote(f'[[block:{name}]]')} is not a harm category"
                ) from None
            if chosen.get(category) not in (_THRESHOLDS.BLOCK_NONE, _THRESHOLDS.OFF):
                return v1beta.SafetyRating(category=category, probability="HIGH", blocked=True)
    return None
