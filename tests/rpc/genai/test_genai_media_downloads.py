"""Media of file search stores, and files of environments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scripted_grpc_server import Api
from scripted_http_server import WebServer, failure

from gemwire.genai import errors

BLOB = bytes(range(256)) * 40


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    made = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", made.address)
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")
    made.on(lambda _, wire: wire.answer(200, BLOB, **{"content-type": "image/png"}))
    yield made
    made.stop()


def test_media_of_a_store(api: Api, web: WebServer) -> None:
    stores = api.genai().file_search_stores
    assert api(stores.download_media(media_id="fileSearchStores/s-1/media/m-1")) == BLOB
    assert [request.target for request in web.requests] == [
        "/v1beta/fileSearchStores/s-1/media/m-1?alt=media"
    ]


@pytest.mark.parametrize("media_id", ["files/a", "fileSearchStores/s", "fileSearchStores/s/media/a?b", ""])
def test_what_is_not_the_id_of_media(api: Api, web: WebServer, media_id: str) -> None:
    with pytest.raises(ValueError, match=r"media_id: .* such as 'fileSearchStores/abc/media/123'"):
        api(api.genai().file_search_stores.download_media(media_id=media_id))
    assert not web.requests


@pytest.mark.parametrize("name", ["environment", "environment_id"])
def test_files_of_an_environment(api: Api, web: WebServer, name: str) -> None:
    files = api.genai().environments.files
    arguments: dict[str, Any] = {name: "environments/e", "path": "/notes/a b.txt"}
    assert api(files.download(**arguments)) == BLOB
    assert [request.target for request in web.requests] == [
        "/v1beta/environments/e/files/notes/a%20b.txt?alt=media"
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"path": "a"}, "environment: expected a string"),
        ({"path": "/", "environment": "e"}, "path: is empty"),
        ({"path": "../b", "environment": "e"}, "name"),
    ],
)
def test_what_is_no_file_of_an_environment(
    api: Api, web: WebServer, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=text):
        api(api.genai().environments.files.download(**arguments))
    assert not web.requests


def test_errors_of_the_service(api: Api, web: WebServer) -> None:
    web.on(failure(404, "NOT_FOUND", "no such file"))
    with pytest.raises(errors.ClientError, match="no such file"):
        api(api.genai().environments.files.download(environment="e", path="a"))
