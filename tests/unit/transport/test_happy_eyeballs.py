"""The order of addresses."""

from __future__ import annotations

import socket
from typing import Any

from gemwire._transport.happy_eyeballs import order_addresses


def _found(family: socket.AddressFamily, *addresses: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [(family, socket.SOCK_STREAM, 6, "", address) for address in addresses]


def test_the_families_take_turns_and_the_first_stays_first() -> None:
    six = [(f"::{number}", 443, 0, 0) for number in range(3)]
    four = [(f"192.0.2.{number}", 443) for number in range(2)]
    found = order_addresses([*_found(socket.AF_INET6, *six), *_found(socket.AF_INET, *four)])
    assert [address for _, address in found] == [six[0], four[0], six[1], four[1], six[2]]


def test_an_address_is_tried_once() -> None:
    address = ("192.0.2.1", 443)
    assert order_addresses(_found(socket.AF_INET, address, address)) == [(socket.AF_INET, address)]


def test_no_address() -> None:
    assert order_addresses([]) == []
