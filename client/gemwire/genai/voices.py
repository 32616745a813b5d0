"""Voices and their types, under the module's name in google-genai."""

from __future__ import annotations

from typing import TypeAlias

from gemwire.genai._aio.voices import AsyncVoices as AsyncVoices
from gemwire.genai._sync.voices import Voices as Voices
from gemwire_proto.interactions import views
from gemwire_proto.interactions.views import AudioData as AudioData
from gemwire_proto.interactions.views import PromptedVoice as PromptedVoice
from gemwire_proto.interactions.views import ReplicatedVoice as ReplicatedVoice
from gemwire_proto.interactions.views import Voice as Voice

VoiceDeleteResponse: TypeAlias = views.DeleteVoiceResponse
VoiceListResponse: TypeAlias = views.ListVoicesResponse
