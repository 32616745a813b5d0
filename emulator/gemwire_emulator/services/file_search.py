"""The tool `FileSearch`: passages of stores that are added to a prompt, and the grounding of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gemwire_emulator.call import Call
from gemwire_emulator.engines.canned import CannedReplies
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.services.answer_segments import iter_segments
from gemwire_emulator.services.metadata_expressions import MetadataExpression
from gemwire_emulator.services.resource_lookup import get_resource
from gemwire_emulator.services.vector_search import SearchResult, check_result_count, dot_product, search
from gemwire_emulator.state import State
from gemwire_proto import v1beta

#: Passages that are retrieved where a request does not say.
_PASSAGES = 5
#: Score from which on a passage supports a sentence.
_SUPPORTS = 0.35


@dataclass(frozen=True)
class Retrieval:
    """What a search found for a prompt.

    Attributes:
        prompt: The prompt, with the passages in its last content.
        passages: The passages, closest first.
        reply_parts: The search as parts of the reply, if the request wants them: its call and its result.
        tokens: Tokens of the passages.
        engine: The engine that compares texts.
    """

    prompt: v1beta.GenerateContentRequest
    passages: Sequence[SearchResult]
    reply_parts: Sequence[v1beta.Part]
    tokens: int
    engine: CannedReplies

    async def ground(self, candidate: v1beta.Candidate, text: str) -> None:
        """Add the sources of an answer: the passages, and which sentences they support."""
        metadata = candidate.grounding_metadata
        for one in self.passages:
            source = metadata.grounding_chunks.add().retrieved_context
            source.title = one.document.display_name
            source.text = one.chunk.data.string_value
            source.file_search_store = one.document.name.partition("/documents/")[0]
            source.custom_metadata.extend(map(_to_source_metadata, one.document.custom_metadata))
        segments = list(iter_segments(text)) if self.passages else []
        if not segments:
            return
        texts = [one.chunk.data.string_value for one in self.passages]
        vectors = await self.engine.embed([*texts, *(segment.text for segment in segments)])
        for segment, vector in zip(segments, vectors[len(texts) :], strict=True):
            scores = [dot_product(vector, other) for other in vectors[: len(texts)]]
            near = [i for i, score in enumerate(scores) if score >= _SUPPORTS]
            if near:
                metadata.grounding_supports.add(
                    segment=segment,
                    grounding_chunk_indices=near,
                    confidence_scores=[min(scores[i], 1.0) for i in near],
                )


async def retrieve(
    state: State, call: Call, request: v1beta.GenerateContentRequest, path: str = ""
) -> Retrieval | None:
    """Search the stores that the tools of a request name; None if none does.

    Args:
        state: State of the emulator.
        call: The call.
        request: The prompt, which is not changed.
        path: Path of the prompt in the request, for errors.

    Raises:
        StatusError: A store does not exist, or a field of a tool is invalid.
    """
    query = "\n".join(get_texts(request.contents[-1:]))
    found: list[SearchResult] = []
    searches = [(i, tool.file_search) for i, tool in enumerate(request.tools) if tool.HasField("file_search")]
    if not searches:
        return None
    count = 0
    for i, tool in searches:
        field = f"{path}tools[{i}].file_search"
        count = check_result_count(tool.top_k if tool.HasField("top_k") else _PASSAGES, f"{field}.top_k")
        condition = MetadataExpression(tool.metadata_filter, f"{field}.metadata_filter")
        if not tool.file_search_store_names:
            raise invalid_argument(f"{field}.file_search_store_names", "is required")
        for j, name in enumerate(dict.fromkeys(tool.file_search_store_names)):
            get_resource(state, call, name, "fileSearchStores/*", f"{field}.file_search_store_names[{j}]")
            if query.strip():
                found += await search(state, call, name, query, condition, count)
    best = sorted(found, key=lambda one: -one.score)[:count]
    parts = _to_parts(query, best)
    prompt = v1beta.GenerateContentRequest()
    prompt.CopyFrom(request)
    if best:
        prompt.contents[-1].parts.append(parts[1])
    shown = parts if request.tool_config.include_server_side_tool_invocations else ()
    tokens = state.engine.count_tokens([one.chunk.data.string_value for one in best])
    return Retrieval(prompt, best, shown, tokens, state.engine)


def _to_source_metadata(entry: v1beta.CustomMetadata) -> v1beta.GroundingChunk.CustomMetadata:
    noted = v1beta.GroundingChunk.CustomMetadata(key=entry.key)
    kind = entry.WhichOneof("value")
    if kind == "string_value":
        noted.string_value = entry.string_value
    elif kind == "numeric_value":
        noted.numeric_value = entry.numeric_value
    else:
        noted.string_list_value.values.extend(entry.string_list_value.values)
    return noted


def _to_parts(query: str, passages: Sequence[SearchResult]) -> list[v1beta.Part]:
    """Return the call of the tool and its result."""
    asked, answered = v1beta.Part(), v1beta.Part()
    asked.tool_call.tool_type = answered.tool_response.tool_type = v1beta.ToolType.FILE_SEARCH
    asked.tool_call.args.update({"query": query})
    listed = [{"title": one.document.display_name, "text": one.chunk.data.string_value} for one in passages]
    answered.tool_response.response.update({"passages": listed})
    return [asked, answered]
