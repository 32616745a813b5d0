"""Answers in pictures and speech: placeholders in place of an engine's text."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from gemwire_emulator.engines.audio import RATE, synthesize_tone
from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.images import render_image
from gemwire_emulator.engines.instant import get_texts
from gemwire_proto import v1beta

_IMAGE = v1beta.GenerationConfig.Modality.IMAGE
_AUDIO = v1beta.GenerationConfig.Modality.AUDIO
#: Pixels of each side of an image, and the tokens that it counts as.
_SIDE, _IMAGE_TOKENS = 256, 1290


async def render_media(
    source: AsyncGenerator[Delta, None], prompt: v1beta.GenerateContentRequest, modalities: set[int]
) -> AsyncGenerator[Delta, None]:
    """Yield the pieces of an answer, its text as speech or with a picture at its end.

    Args:
        source: The pieces; closed with this generator.
        prompt: The prompt.
        modalities: The modalities of the answer; with text alone, or none, nothing changes.
    """
    async with aclosing(source) as deltas:
        async for delta in deltas:
            if not modalities & {_IMAGE, _AUDIO} or delta.thought or delta.call is not None:
                yield delta
            elif _AUDIO in modalities:
                if delta.text:
                    data = synthesize_tone(delta.text)
                    mime_type = f"audio/L16;codec=pcm;rate={RATE}"
                    delta.text = ""
                    delta.part = v1beta.Part(inline_data={"mime_type": mime_type, "data": data})
                yield delta
            else:
                for one in _add_image(delta, prompt, with_text=modalities != {_IMAGE}):
                    yield one


def _add_image(delta: Delta, prompt: v1beta.GenerateContentRequest, *, with_text: bool) -> Iterator[Delta]:
    """Yield a piece, without its text unless it is wanted, and after the last one a picture."""
    finish, delta.finish = delta.finish, ""
    if with_text and delta.text:
        yield delta
    if finish:
        asked = "".join(get_texts(prompt.contents[-1:]))
        data = render_image(asked, prompt.generation_config.seed + delta.index, _SIDE, _SIDE)
        part = v1beta.Part(inline_data={"mime_type": "image/png", "data": data})
        yield Delta(delta.index, part=part, finish=finish, tokens=_IMAGE_TOKENS, signature=delta.signature)
