"""Calls of the bookstore over gRPC on loopback; run by test_families with its generated package first."""

from __future__ import annotations

import asyncio
import sys
from concurrent import futures

import grpc

import gemwire_proto
from gemwire import v1beta
from gemwire._transport.method_registry import find_method
from gemwire_proto.families import FAMILIES, PACKAGES
from gemwire_runtime.enums import Enum
from gemwire_runtime.pool import POOL

FILE = "example/bookstore/v1/bookstore.proto"


def in_pool() -> bool:
    try:
        return bool(POOL.FindFileByName(FILE))
    except KeyError:
        return False


# A Gemini client, and the list of families, load nothing of the other family.
v1beta.GenerativeServiceClient(client_options={"api_key": "k"}).close()
assert [family.name for family in FAMILIES] == [
    "generativelanguage",
    "interactions",
    "aiplatform",
    "bookstore",
]
assert not in_pool()
assert not [name for name in sys.modules if "bookstore" in name]

from gemwire._clients.aio.service_client import AsyncServiceClient  # noqa: E402
from gemwire._clients.sync.service_client import ServiceClient  # noqa: E402
from gemwire_proto import bookstore_v1  # noqa: E402
from gemwire_proto.bookstore_v1 import bookstore, views  # noqa: E402
from gemwire_proto.example.bookstore.v1 import bookstore_pb2, bookstore_pb2_grpc  # noqa: E402

assert in_pool()
assert bookstore_v1.Book is bookstore_pb2.Book
assert bookstore.SERVICE.host == "bookstore.example.com"
assert bookstore.SERVICE.scopes == (
    "https://bookstore.example.com/auth/read",
    "https://bookstore.example.com/auth/buy",
)
assert PACKAGES["example.bookstore.v1"].module == "gemwire_proto.bookstore_v1"
assert FAMILIES[-1].descriptor_set != gemwire_proto.DESCRIPTOR_SET
assert find_method("/example.bookstore.v1.Bookstore/GetBook", bookstore.SERVICE) is bookstore.GET_BOOK


# Type checkers do not see the generated package.
class Servicer(bookstore_pb2_grpc.BookstoreServicer):  # type: ignore[misc]
    def GetBook(self, request: object, context: object) -> object:  # noqa: N802
        return bookstore_v1.Book(
            name=request.name,  # type: ignore[attr-defined]
            print_place={"latitude": 1.5},
            genre="NOVEL",
            printing={"name": "operations/o"},
        )

    def ReadShelf(self, request: object, context: object) -> object:  # noqa: N802
        yield self.GetBook(request, context)
        yield self.GetBook(request, context)


class Client(bookstore.Bookstore, ServiceClient):  # type: ignore[misc]
    pass


class AsyncClient(bookstore.AsyncBookstore, AsyncServiceClient):  # type: ignore[misc]
    pass


async def call(address: str) -> None:
    channel = grpc.aio.insecure_channel(address)
    client = AsyncClient(transport=channel)
    book = await client.get_book(name="shelves/a/books/b")
    assert book.genre == bookstore_pb2.NOVEL == 3
    await client.close()


server = grpc.server(futures.ThreadPoolExecutor(2))
bookstore_pb2_grpc.add_BookstoreServicer_to_server(Servicer(), server)
address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
server.start()
client = Client(transport=grpc.insecure_channel(address))
book = client.get_book(name="shelves/a/books/b")
assert (book.name, book.print_place.latitude) == ("shelves/a/books/b", 1.5)
assert [found.genre for found in client.read_shelf({"name": "x"})] == [3, 3]


class Genre(Enum):
    """The enum of another family: the same name with another number."""

    NOVEL = "NOVEL"


Genre.NOVEL.number = 9
assert views.Book(genre=Genre.NOVEL).genre == 3
view = views.Book.of(book)
assert view.genre == views.Genre.NOVEL
assert view.print_time is None
client.close()
asyncio.run(call(address))
server.stop(None)
print("called", book.name)
