"""Lists that come page by page."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from scripted_grpc_server import Api, Fail, Loopback

from gemwire import Retry, errors, v1beta

#: Token of a page: its models and the next token. One page in the middle and the last are empty.
PAGES: dict[str, tuple[list[str], str]] = {
    "": (["models/a", "models/b"], "t1"),
    "t1": ([], "t2"),
    "t2": (["models/c"], "t3"),
    "t3": ([], ""),
}
ALL = ["models/a", "models/b", "models/c"]


def serve(server: Loopback) -> None:
    def page(request: Any, context: Any) -> Any:
        names, token = PAGES[request.page_token]
        yield v1beta.ListModelsResponse(models=[{"name": name} for name in names], next_page_token=token)

    server.on("ListModels", page)


def names(items: list[Any]) -> list[str]:
    return [item.name for item in items]


def test_items_of_all_pages(api: Api, server: Loopback) -> None:
    serve(server)
    pager = api(api.client("ModelService").list_models(page_size=2))
    assert len(server.journal) == 1
    assert names(api.list(pager)) == ALL
    assert [(c.request.page_size, c.request.page_token) for c in server.journal] == [
        (2, ""),
        (2, "t1"),
        (2, "t2"),
        (2, "t3"),
    ]


def test_pages(api: Api, server: Loopback) -> None:
    serve(server)
    pager = api(api.client("ModelService").list_models())
    assert [names(list(page.models)) for page in api.list(pager.pages)] == [
        ["models/a", "models/b"],
        [],
        ["models/c"],
        [],
    ]


def test_pages_are_fetched_when_they_are_needed(server: Loopback) -> None:
    serve(server)
    with v1beta.ModelServiceClient() as client:
        items = iter(client.list_models())
        next(items)
        next(items)
        assert len(server.journal) == 1
        next(items)
        assert len(server.journal) == 3

    async def main() -> None:
        server.journal.clear()
        async with v1beta.ModelServiceAsyncClient() as client:
            items = (await client.list_models()).__aiter__()
            await items.__anext__()
            await items.__anext__()
            assert len(server.journal) == 1

    asyncio.run(main())


def test_iterating_again_starts_over(api: Api, server: Loopback) -> None:
    serve(server)
    pager = api(api.client("ModelService").list_models())
    for _ in range(3):
        assert names(api.list(pager)) == ALL
    # The first page is kept.
    assert len(server.journal) == 1 + 3 * 3


def test_two_iterations_do_not_disturb_each_other(server: Loopback) -> None:
    serve(server)
    with v1beta.ModelServiceClient() as client:
        pager = client.list_models()
        pairs = list(zip(pager, pager, strict=True))
    assert [(a.name, b.name) for a, b in pairs] == [(name, name) for name in ALL]


def test_attributes_are_those_of_the_latest_page(api: Api, server: Loopback) -> None:
    serve(server)
    pager = api(api.client("ModelService").list_models())
    assert pager.next_page_token == "t1"
    assert names(pager.models) == ["models/a", "models/b"]
    api.list(pager)
    assert pager.next_page_token == ""
    assert not pager.models
    with pytest.raises(AttributeError):
        _ = pager.bogus
    with pytest.raises(AttributeError):
        _ = pager._bogus
    assert repr(pager).endswith("Pager of ListModelsResponse.models>")


def test_one_page_and_no_page(api: Api, server: Loopback) -> None:
    server.on("ListModels", v1beta.ListModelsResponse(models=[{"name": "models/a"}]))
    pager = api(api.client("ModelService").list_models())
    assert names(api.list(pager)) == ["models/a"]
    server.on("ListModels", v1beta.ListModelsResponse())
    pager = api(api.client("ModelService").list_models())
    assert api.list(pager) == []
    assert len(server.journal) == 2


def test_one_can_begin_in_the_middle(api: Api, server: Loopback) -> None:
    serve(server)
    pager = api(api.client("ModelService").list_models(page_token="t2"))
    assert names(api.list(pager)) == names(api.list(pager)) == ["models/c"]


def test_the_callers_request_is_its_own(api: Api, server: Loopback) -> None:
    serve(server)
    request = v1beta.ListModelsRequest(page_size=2)
    pager = api(api.client("ModelService").list_models(request))
    # What the caller does with it afterwards is another matter.
    request.page_size = 50
    assert names(api.list(pager)) == ALL
    assert request == v1beta.ListModelsRequest(page_size=50)
    assert {call.request.page_size for call in server.journal} == {2}


def test_each_page_has_the_calls_arguments(api: Api, server: Loopback) -> None:
    serve(server)
    client = api.client("PermissionService")
    server.on(
        "ListPermissions",
        v1beta.ListPermissionsResponse(next_page_token="t1"),
        Fail("UNAVAILABLE"),
        v1beta.ListPermissionsResponse(permissions=[{"name": "p"}]),
    )
    pager = api(
        client.list_permissions(parent="corpora/c", metadata=[("x-mine", "1")], retry=Retry(initial=0.01))
    )
    assert names(api.list(pager)) == ["p"]
    assert [call.values("x-mine") for call in server.journal] == [["1"]] * 3
    assert {call.values("x-goog-request-params")[0] for call in server.journal} == {"parent=corpora/c"}


def test_a_page_that_fails(api: Api, server: Loopback) -> None:
    server.on("ListModels", v1beta.ListModelsResponse(next_page_token="t"), Fail("INVALID_ARGUMENT", "token"))
    pager = api(api.client("ModelService").list_models())
    with pytest.raises(errors.InvalidArgument, match="token"):
        api.list(pager)
