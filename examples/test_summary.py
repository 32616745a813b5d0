"""Tests of a program that calls the API, without a key and without a network.

pip install "gemwire[emulator]" pytest
pytest test_summary.py
"""

from __future__ import annotations

import pytest

from gemwire import errors, genai
from gemwire.testing import RunningEmulator


def summarize(text: str) -> str:
    """Return a summary; this is the program under test."""
    with genai.Client() as client:
        response = client.models.generate_content(
            model="gemini-2.5-flash", contents=text, config={"system_instruction": "Summarize in a sentence."}
        )
    return response.text or ""


def test_the_summary_is_the_model_s_answer(gemini_emulator: RunningEmulator) -> None:
    gemini_emulator.reply("The sky scatters blue light.", match="sky")
    assert summarize("A long text about the sky …") == "The sky scatters blue light."
    [call] = gemini_emulator.calls("GenerateContent")
    assert call.request.system_instruction.parts[0].text == "Summarize in a sentence."


def test_an_overloaded_service_is_asked_again(gemini_emulator: RunningEmulator) -> None:
    gemini_emulator.fail("UNAVAILABLE")
    assert summarize("A text")
    assert [call.status for call in gemini_emulator.calls()] == ["UNAVAILABLE", "OK"]


def test_a_used_up_quota_is_an_error(gemini_emulator: RunningEmulator) -> None:
    gemini_emulator.fail("RESOURCE_EXHAUSTED")
    with pytest.raises(errors.ResourceExhausted):
        summarize("A text")
