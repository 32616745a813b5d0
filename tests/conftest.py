"""What holds for all tests."""

from __future__ import annotations

import re

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Takes addresses out of a test's name: processes share the work only where all find the same names."""
    if item.nodeid != (name := re.sub(r" at 0x[0-9a-f]+", "", item.nodeid)):
        item._nodeid = name
