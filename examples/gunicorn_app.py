"""A WSGI application for several worker processes, each of which has connections of its own.

pip install gemwire gunicorn
gunicorn --workers 4 --threads 8 --preload gunicorn_app:app
curl 'http://127.0.0.1:8000/?Why+is+the+sky+blue'
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from urllib.parse import unquote_plus

from gemwire import errors, genai

# With --preload, this runs before the workers are forked. Nothing is connected before the first call.
client = genai.Client()


def app(
    environ: dict[str, str], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """Answer the question in the query string."""
    question = unquote_plus(environ.get("QUERY_STRING", "")) or "Why is the sky blue?"
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("X-Worker", str(os.getpid()))]
    try:
        response = client.models.generate_content(model="gemini-2.5-flash", contents=question)
    except errors.APIError as error:
        start_response(f"{error.code} {error.status}", headers)
        return [error.message.encode()]
    start_response("200 OK", headers)
    return [(response.text or "").encode()]
