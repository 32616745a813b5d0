"""Programs written for google-genai, in the order of the topics of that package's guide.

Each group of snippets is a function of a `Run`. It uses the package of the run and returns its outcome, so
that the same lines run through `gemwire.genai` and google-genai, and the outcomes can be compared.
"""

from __future__ import annotations

from genai_snippets import (
    chats,
    clients,
    contents,
    errors_and_live,
    file_search,
    files_and_caches,
    functions,
    generate_content,
    images_and_videos,
    streaming,
    structured_output,
    tokens_and_embeddings,
    tunings_and_batches,
    vertex,
)
from genai_snippets.group import GROUPS_BY_MODULE
from genai_snippets.group import Group as Group
from genai_snippets.group import Run as Run

_MODULES = (
    clients,
    generate_content,
    contents,
    functions,
    structured_output,
    streaming,
    tokens_and_embeddings,
    images_and_videos,
    chats,
    files_and_caches,
    file_search,
    tunings_and_batches,
    vertex,
    errors_and_live,
)
#: In the order in which they run.
GROUPS: list[Group] = [group for module in _MODULES for group in GROUPS_BY_MODULE[module.__name__]]
