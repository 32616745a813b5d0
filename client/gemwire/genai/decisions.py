"""Decisions and their types, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.decisions import AsyncDecisions as AsyncDecisions
from gemwire.genai._sync.decisions import Decisions as Decisions
from gemwire_proto.interactions.views import Answer as Answer
from gemwire_proto.interactions.views import ChoiceAnswer as ChoiceAnswer
from gemwire_proto.interactions.views import ChoiceQuestion as ChoiceQuestion
from gemwire_proto.interactions.views import CreateDecisionRequest as CreateDecisionRequest
from gemwire_proto.interactions.views import CreateDecisionResponse as CreateDecisionResponse
from gemwire_proto.interactions.views import NoulAnswer as NoulAnswer
from gemwire_proto.interactions.views import NoulQuestion as NoulQuestion
from gemwire_proto.interactions.views import PromptFeedback as PromptFeedback
from gemwire_proto.interactions.views import Question as Question
from gemwire_proto.interactions.views import ScoreAnswer as ScoreAnswer
from gemwire_proto.interactions.views import ScoreQuestion as ScoreQuestion
