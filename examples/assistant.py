"""A chat in the terminal whose model calls Python functions.

python assistant.py
"""

from __future__ import annotations

import datetime

from gemwire import errors, genai

NOTES: list[str] = []


def get_time() -> str:
    """Return the current date and time."""
    return datetime.datetime.now().astimezone().isoformat(timespec="minutes")


def save_note(text: str) -> str:
    """Save a note.

    Args:
        text: What to remember, in the user's words.
    """
    NOTES.append(text)
    return f"Saved as note {len(NOTES)}."


def list_notes() -> list[str]:
    """Return all notes, oldest first."""
    return NOTES


def main() -> None:
    """Answer each line that the user types, until the input ends."""
    with genai.Client() as client:
        chat = client.chats.create(
            model="gemini-2.5-flash",
            config={
                "system_instruction": "You keep the user's notes. Be brief.",
                "tools": [get_time, save_note, list_notes],
            },
        )
        while True:
            try:
                message = input("> ")
            except EOFError:
                return
            try:
                for chunk in chat.send_message_stream(message):
                    print(chunk.text or "", end="", flush=True)
                print()
            except errors.APIError as error:
                # The history is as it was before the message: it can be sent again.
                print(f"Not answered: {error}")


if __name__ == "__main__":
    main()
