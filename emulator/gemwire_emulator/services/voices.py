"""VoiceService: the prebuilt voices, and custom voices, which are stored and produce no sound."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gemwire_emulator.call import Call
from gemwire_emulator.errors import failed_precondition, invalid_argument, quote
from gemwire_emulator.services.json_collection import JsonCollection
from gemwire_emulator.state import State
from gemwire_proto import interactions as api

#: Names of the prebuilt voices, and how they sound.
_PREBUILT = {
    "Zephyr": "Bright",
    "Puck": "Upbeat",
    "Charon": "Informative",
    "Kore": "Firm",
    "Fenrir": "Excitable",
    "Leda": "Youthful",
    "Orus": "Firm",
    "Aoede": "Breezy",
    "Callirrhoe": "Easy-going",
    "Autonoe": "Bright",
    "Enceladus": "Breathy",
    "Iapetus": "Clear",
    "Umbriel": "Easy-going",
    "Algieba": "Smooth",
    "Despina": "Smooth",
    "Erinome": "Clear",
    "Algenib": "Gravelly",
    "Rasalgethi": "Informative",
    "Laomedeia": "Upbeat",
    "Achernar": "Soft",
    "Alnilam": "Firm",
    "Schedar": "Even",
    "Gacrux": "Mature",
    "Pulcherrima": "Forward",
    "Achird": "Friendly",
    "Zubenelgenubi": "Casual",
    "Vindemiatrix": "Gentle",
    "Sadachbia": "Lively",
    "Sadaltager": "Knowledgeable",
    "Sulafat": "Warm",
}
#: Fields by which lists are filtered; the same in requests and voices.
_FILTERS = ("type", "gender", "accent", "persona", "pitch", "language_code", "region_code")
#: Seconds after which a custom voice expires.
_LIFETIME = 365 * 86400


class VoiceService:
    """The handlers of VoiceService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state
        self._voices = JsonCollection(state, "voices", api.Voice)

    def create_voice(self, request: api.CreateVoiceRequest, call: Call) -> api.Voice:
        """Store a voice; one that is not to be stored has a key instead of an id."""
        given = request.voice
        if given.type not in {"prompted", "replicated"}:
            raise invalid_argument("voice.type", f"{quote(given.type)} is not one of prompted, replicated")
        if given.type == "prompted" and not given.prompted.input:
            raise invalid_argument("voice.prompted.input", "is required for a prompted voice")
        if given.type == "replicated":
            for name in ("source_audio", "consent_audio"):
                if not getattr(given.replicated, name).data:
                    raise invalid_argument(f"voice.replicated.{name}.data", "is required")
        voice = api.Voice()
        voice.CopyFrom(given)
        voice.ClearField("replicated")
        if request.HasField("store") and not request.store:
            voice.key = f"voice-{self._state.store.next_number():016x}"
            return voice
        voice.id = self._voices.choose_id(given.id)
        voice.expire_time.FromSeconds(int(self._state.clock.now()) + _LIFETIME)
        return self._voices.add(voice.id, voice, call, json.dumps({}))

    def get_voice(self, request: api.GetVoiceRequest, call: Call) -> api.Voice:
        """Return a voice."""
        if request.id in _PREBUILT:
            return _build_prebuilt(request.id)
        return self._voices.get(request.id, call)

    def list_voices(self, request: api.ListVoicesRequest, call: Call) -> api.ListVoicesResponse:
        """List the custom voices, oldest first; the first page begins with the prebuilt ones."""
        prebuilt = [] if request.page_token else [_build_prebuilt(name) for name in _PREBUILT]
        own, token = self._voices.list(request, call, lambda voice: _matches(voice, request))
        found = [*(voice for voice in prebuilt if _matches(voice, request)), *own]
        return api.ListVoicesResponse(voices=found, next_page_token=token or None)

    def delete_voice(self, request: api.DeleteVoiceRequest, call: Call) -> api.DeleteVoiceResponse:
        """Delete a custom voice."""
        if request.id in _PREBUILT:
            raise failed_precondition(f"voices/{request.id}", "is prebuilt, so it cannot be deleted")
        self._voices.delete(request.id, call)
        return api.DeleteVoiceResponse()


def _build_prebuilt(name: str) -> api.Voice:
    return api.Voice(id=name, type="prebuilt", display_name=name, description=_PREBUILT[name])


def _matches(voice: api.Voice, request: api.ListVoicesRequest) -> bool:
    wanted: list[tuple[Sequence[str], str]] = [
        *((getattr(request, name), getattr(voice, name)) for name in _FILTERS),
        (request.contexts, voice.context),
    ]
    words = f"{voice.display_name} {voice.description} {voice.prompted.input}".lower()
    return all(value in allowed for allowed, value in wanted if allowed) and request.search.lower() in words
