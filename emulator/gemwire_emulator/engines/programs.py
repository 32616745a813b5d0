"""Programs for prompts that ask for a calculation, as a model with code execution would write them."""

from __future__ import annotations

import re

_BLOCK = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_PRIMES = """\
def is_prime(number):
    return number > 1 and all(number % divisor for divisor in range(2, int(number ** 0.5) + 1))


primes = []
candidate = 2
while len(primes) < {count}:
    if is_prime(candidate):
        primes.append(candidate)
    candidate += 1
"""
_FIBONACCI = """\
numbers = [0, 1]
while len(numbers) < {count}:
    numbers.append(numbers[-1] + numbers[-2])
"""
#: Patterns of prompts, and the programs for them.
_TASKS = (
    (r"sum of the first (?P<count>\d{1,9}) prime", _PRIMES + "print(primes)\nprint(sum(primes))\n"),
    (r"first (?P<count>\d{1,9}) prime", _PRIMES + "print(primes)\n"),
    (r"(?P<count>\d{1,9})(?:st|nd|rd|th) prime", _PRIMES + "print(primes[-1])\n"),
    (r"sum of the first (?P<count>\d{1,9}) fibonacci", _FIBONACCI + "print(sum(numbers[:{count}]))\n"),
    (r"first (?P<count>\d{1,9}) fibonacci", _FIBONACCI + "print(numbers[:{count}])\n"),
    (r"(?P<count>\d{1,9})(?:st|nd|rd|th) fibonacci", _FIBONACCI + "print(numbers[{count} - 1])\n"),
    (
        r"factorial of (?P<count>\d{1,9})|(?P<also>\d{1,9})!",
        "import math\n\nprint(math.factorial({count}))\n",
    ),
    (
        r"sum of (?:all )?(?:the )?(?:natural )?numbers from (?P<low>\d{1,9}) to (?P<count>\d{1,9})",
        "print(sum(range({low}, {count} + 1)))\n",
    ),
    (r"square root of (?P<count>\d{1,9}(?:\.\d{1,9})?)", "import math\n\nprint(math.sqrt({count}))\n"),
)
#: Words and signs of arithmetic, and what they are in Python.
_SIGNS = (
    (r"\bplus\b", "+"),
    (r"\bminus\b", "-"),
    (r"\b(?:times|multiplied by)\b|×|(?<=\d)\s*x\s*(?=\d)", "*"),
    (r"\bdivided by\b|÷", "/"),
    (r"\b(?:to the power of)\b|\^", "**"),
    (r"(?<=\d),(?=\d{3}\b)", ""),
)
_NUMBER = r"\d{1,30}(?:\.\d{1,30})?"
#: Everything is bounded, so that no prompt takes long to search.
_EXPRESSION = re.compile(
    rf"[-( ]{{0,20}}{_NUMBER}[) ]{{0,20}}(?:(?:\*\*|//|[-+*/%])[-( ]{{0,20}}{_NUMBER}[) ]{{0,20}}){{1,50}}"
)
#: Dates, and numbers of telephones.
_NO_EXPRESSION = re.compile(r"\d+(?:-\d+){2,}")
_LEADING_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")
#: Characters of a prompt that are searched.
_SEARCHED = 4_000


def find_program(prompt: str) -> str | None:
    """Return the program for a prompt: its own, or one for the calculation that it asks for.

    Args:
        prompt: The text.

    Returns:
        The program; None for a prompt in which there is nothing to calculate.
    """
    if block := _BLOCK.search(prompt):
        return block[1]
    text = " ".join(prompt[:_SEARCHED].lower().split())
    for pattern, program in _TASKS:
        if found := re.search(pattern, text):
            values = found.groupdict()
            return program.format(count=values["count"] or values.get("also"), low=values.get("low"))
    for pattern, sign in _SIGNS:
        text = re.sub(pattern, sign, text)
    expressions = [found[0].strip() for found in _EXPRESSION.finditer(text)]
    sound = [
        _LEADING_ZEROS.sub("", one)
        for one in expressions
        if one.count("(") == one.count(")") and not _NO_EXPRESSION.fullmatch(one)
    ]
    return f"print({max(sound, key=len)})\n" if sound else None
