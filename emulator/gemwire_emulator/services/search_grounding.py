"""Grounding in Google Search and Google Maps: sources that the emulator makes up, and that say so."""

from __future__ import annotations

import html
from dataclasses import dataclass
from urllib.parse import quote_plus

from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.services.answer_segments import iter_segments
from gemwire_proto import v1beta

#: Sources of each kind.
_SOURCES = 3
#: Characters of a prompt that are searched for.
_QUERY = 100
#: How much a search would help with any prompt, of which `DynamicRetrievalConfig` decides.
_SCORE = 0.5
_MODES = v1beta.DynamicRetrievalConfig.Mode


@dataclass(frozen=True)
class SearchGrounding:
    """The searches that the tools of a prompt lead to.

    Attributes:
        query: What is searched for.
        web: Whether in Google Search.
        maps: Whether in Google Maps.
        widget: Whether with a token for a widget of Google Maps.
        score: Score of a dynamic retrieval; None without one.
    """

    query: str
    web: bool
    maps: bool
    widget: bool
    score: float | None

    async def ground(self, candidate: v1beta.Candidate, text: str) -> None:
        """Add the sources of an answer, and which sentence each supports; nothing to one without text."""
        if not text:
            return
        metadata = candidate.grounding_metadata
        if self.score is not None:
            metadata.retrieval_metadata.google_search_dynamic_retrieval_score = self.score
        first = len(metadata.grounding_chunks)
        if self.web:
            self._add_pages(metadata)
        if self.maps:
            self._add_places(metadata)
        count = len(metadata.grounding_chunks) - first
        for number, segment in enumerate(iter_segments(text) if count else ()):
            chunk = first + number % count
            metadata.grounding_supports.add(
                segment=segment, grounding_chunk_indices=[chunk], confidence_scores=[_SCORE]
            )

    def _add_pages(self, metadata: v1beta.GroundingMetadata) -> None:
        metadata.web_search_queries.append(self.query)
        link, words = f"https://example.com/?q={quote_plus(self.query)}", html.escape(self.query)
        metadata.search_entry_point.rendered_content = (
            f'<div class="emulated-search">Emulated search: <a href="{html.escape(link)}">{words}</a></div>'
        )
        for number in range(1, _SOURCES + 1):
            metadata.grounding_chunks.add(
                web={
                    "uri": f"https://example.com/emulated-search/{number}?q={quote_plus(self.query)}",
                    "title": f"Emulated search result {number}",
                }
            )

    def _add_places(self, metadata: v1beta.GroundingMetadata) -> None:
        for number in range(1, _SOURCES + 1):
            metadata.grounding_chunks.add(
                maps={
                    "uri": f"https://example.com/emulated-maps/{number}?q={quote_plus(self.query)}",
                    "title": f"Emulated place {number}",
                    "text": "A place that the emulator has made up.",
                    "place_id": f"places/emulated-{number}",
                }
            )
        if self.widget:
            metadata.google_maps_widget_context_token = "widgetcontent/emulated"  # noqa: S105 - no secret


def find_grounding(request: v1beta.GenerateContentRequest) -> SearchGrounding | None:
    """Return the searches that the tools of a prompt lead to, None if there is none."""
    query = " ".join(" ".join(get_texts(request.contents[-1:])).split())[:_QUERY]
    web = maps = widget = False
    score: float | None = None
    for tool in request.tools:
        web = web or tool.HasField("google_search")
        if tool.HasField("google_search_retrieval"):
            dynamic = tool.google_search_retrieval.dynamic_retrieval_config
            if dynamic.mode == _MODES.MODE_DYNAMIC:
                score = _SCORE
            web = web or score is None or score > dynamic.dynamic_threshold
        if tool.HasField("google_maps"):
            maps, widget = True, widget or tool.google_maps.enable_widget
    if not (web or maps or score is not None):
        return None
    return SearchGrounding(query, web, maps, widget, score)
