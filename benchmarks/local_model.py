"""How often the local model answers simple questions correctly.

    python benchmarks/local_model.py [--gguf FILE] [--json]

Three sets: facts, small tasks, and chats in which the answer is in an earlier turn. An answer counts if it
has an expected word. Decoding is greedy, so that the figures are the same every time on one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from contextlib import aclosing
from pathlib import Path

from gemwire_emulator.engines.local import LocalEngine
from gemwire_proto import v1beta

#: Each set: conversations, and a regular expression that is in a right answer.
FACTS = (
    ("What is the capital of France?", "paris"),
    ("What is the capital of Japan?", "tokyo"),
    ("What is the capital of Italy?", "rome"),
    ("Which planet is closest to the sun?", "mercury"),
    ("What is the largest planet in the solar system?", "jupiter"),
    ("How many days are in a week?", "seven|7"),
    ("How many months are in a year?", "twelve|12"),
    ("What color is the sky on a clear day?", "blue"),
    ("Who wrote Romeo and Juliet?", "shakespeare"),
    ("What is the chemical symbol for water?", "h2o|h₂o"),
    ("What gas do plants absorb from the air?", "carbon dioxide|co2"),
    ("What is the opposite of hot?", "cold|cool"),
    ("Which animal says meow?", "cat"),
    ("What is the largest ocean on Earth?", "pacific"),
    ("In which country is the Great Wall?", "china"),
    ("How many legs does a spider have?", "eight|8"),
    ("What is frozen water called?", "ice"),
    ("Who was the first president of the United States?", "washington"),
    ("What language is spoken in Brazil?", "portuguese"),
    ("At what temperature in Celsius does water boil?", "100"),
    ("What is the tallest mountain in the world?", "everest"),
    ("Which organ pumps blood through the body?", "heart"),
    ("What do bees make?", "honey"),
    ("What is the currency of the United Kingdom?", "pound"),
    ("What star is at the center of our solar system?", r"\bsun\b"),
)
TASKS = (
    ("What is 2 + 2?", r"\b4\b|four"),
    ("What is 5 times 3?", r"\b15\b|fifteen"),
    ("Name a fruit that is yellow.", "banana|lemon|mango|pineapple"),
    ("Name one day of the weekend.", "saturday|sunday"),
    ("Translate 'good morning' to Spanish.", "buenos d"),
    ("Translate 'thank you' to French.", "merci"),
    ("What comes after Monday?", "tuesday"),
    ("Name three primary colors.", "red.*(blue|yellow)|blue.*red|yellow.*red"),
    ("Write a short sentence about a dog.", r"\bdogs?\b"),
    ("Complete: roses are red, violets are", "blue"),
    ("Is fire hot or cold?", r"\bhot\b"),
    ("Give a synonym of happy.", "joy|glad|cheer|content|delight|elated|pleased"),
    ("What is the plural of mouse?", "mice"),
    ("What is the past tense of go?", "went"),
    ("Give the first three letters of the alphabet.", "a,? ?b,? ?(and )?c"),
    ("Why is the sky blue?", "scatter|wavelength|light"),
    ("What is photosynthesis?", "plant|sunlight|light"),
    ("What is a computer used for?", "process|data|calculat|task|information|program"),
    ("Write a haiku about rain.", "rain|drop|water|cloud"),
    ("How do you make tea?", "boil|water|steep|leaves"),
)
#: Turns of the user and the model in turn.
CHATS = (
    (("My name is Anna.", "Nice to meet you, Anna.", "What is my name?"), "anna"),
    (("I live in Berlin.", "Berlin is a lovely city.", "Where do I live?"), "berlin"),
    (("What is the capital of France?", "The capital of France is Paris.", "And of Germany?"), "berlin"),
    (("My favorite color is green.", "Green is a nice color.", "What is my favorite color?"), "green"),
    (("I have a dog called Max.", "Max is a great name.", "What is my dog called?"), "max"),
    (("I am 30 years old.", "Thank you for telling me.", "How old am I?"), "30|thirty"),
    (
        ("Name a planet.", "Mars.", "Name another planet."),
        "venus|jupiter|saturn|earth|mercury|uranus|neptune",
    ),
    (
        (
            "Let us talk about whales.",
            "Whales are mammals that live in the sea.",
            "Are they fish or mammals?",
        ),
        "mammal",
    ),
    (("Say hello.", "Hello!", "Now say goodbye."), "goodbye|bye"),
    (("I want to cook pasta.", "Great, boil water first.", "What should I boil?"), "water|pasta"),
)
SETS: dict[str, list[tuple[list[tuple[str, str]], str]]] = {
    "facts": [([("user", question)], expected) for question, expected in FACTS],
    "tasks": [([("user", question)], expected) for question, expected in TASKS],
    "chats": [
        (list(zip(("user", "model", "user"), turns, strict=True)), expected) for turns, expected in CHATS
    ],
}


async def answer(engine: LocalEngine, turns: list[tuple[str, str]]) -> str:
    """Return the answer to the last turn of a conversation."""
    contents = [{"role": role, "parts": [{"text": text}]} for role, text in turns]
    request = v1beta.GenerateContentRequest(
        model="models/gemini-2.5-flash", contents=contents, generation_config={"max_output_tokens": 48}
    )
    async with aclosing(engine.generate(request)) as deltas:
        return "".join([delta.text async for delta in deltas])


async def measure(gguf: Path | None) -> dict[str, object]:
    """Ask all questions, and return the figures."""
    engine = LocalEngine(gguf)
    engine.start()
    began = time.perf_counter()
    found: dict[str, object] = {"model": engine.version}
    try:
        for name, questions in SETS.items():
            good = 0
            for turns, expected in questions:
                text = await answer(engine, turns)
                right = re.search(expected, text.lower(), re.DOTALL) is not None
                good += right
                if not right:
                    print(f"  {turns[-1][1]} {text.strip()!r}", file=sys.stderr)
            found[name] = f"{good}/{len(questions)}"
    finally:
        await engine.close()
    return {**found, "seconds": round(time.perf_counter() - began)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Right answers of the local model.")
    parser.add_argument("--gguf", type=Path, help="another model (default: SmolLM2-135M-Instruct)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(measure(options.gguf))
    text = json.dumps(found) if options.json else "\n".join(f"{k}: {v}" for k, v in found.items())
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
