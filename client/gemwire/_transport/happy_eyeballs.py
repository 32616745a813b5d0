"""The order in which the addresses of a host are tried (RFC 8305)."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import TypeAlias

#: Seconds between attempts to connect to the addresses of a host (section 5).
NEXT_ADDRESS_DELAY = 0.25

#: Family and address of a socket.
Address: TypeAlias = "tuple[socket.AddressFamily, tuple[object, ...]]"


def order_addresses(found: Iterable[tuple[object, ...]]) -> list[Address]:
    """Return the addresses that ``getaddrinfo`` gave, the families in turns (section 4)."""
    by_family: dict[socket.AddressFamily, list[Address]] = {}
    for family, *_, address in found:
        assert isinstance(family, socket.AddressFamily)  # noqa: S101 - as getaddrinfo returns
        assert isinstance(address, tuple)  # noqa: S101
        by_family.setdefault(family, []).append((family, address))
    turns = chain.from_iterable(zip_longest(*by_family.values()))
    return list(dict.fromkeys(address for address in turns if address is not None))
