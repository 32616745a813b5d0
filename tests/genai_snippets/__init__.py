"""What programs written for google-genai do, in groups, in the order in which that package's guide shows it.

Each group is a function of a `Run`; it uses the package it is given and returns what it learned, so that the
same lines go through `gemwire.genai` and through google-genai, and the outcomes can be compared.
"""

from __future__ import annotations

from genai_snippets import (
    beginning,
    chatting,
    contents,
    counting,
    functions,
    generating,
    keeping,
    structured,
    talking,
    training,
)
from genai_snippets.group import ALL, Group
from genai_snippets.group import Run as Run

_MODULES = (
    beginning,
    generating,
    contents,
    functions,
    structured,
    counting,
    chatting,
    keeping,
    training,
    talking,
)
#: In the order in which they run.
GROUPS: list[Group] = [group for module in _MODULES for group in ALL[module.__name__]]
