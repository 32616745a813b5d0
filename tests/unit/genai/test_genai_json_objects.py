"""Objects that messages hold as JSON are dicts whose keys are known."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from gemwire.genai import interactions


def test_fields_are_attributes_and_keys() -> None:
    entry = interactions.AllowlistEntry(domain="example.com", credential=None)
    assert entry == {"domain": "example.com"}
    assert (entry.domain, entry.credential) == ("example.com", None)
    entry.credential = "hub"
    assert entry["credential"] == "hub"
    entry.credential = None
    assert entry.model_dump() == {"domain": "example.com"}


def test_constants_are_set() -> None:
    assert interactions.StaticMediaProcessing(fps=1.0) == {"type": "static", "fps": 1.0}


@pytest.mark.parametrize("act", [lambda: interactions.EnvVar(vlue="1"), lambda: interactions.EnvVar().vlue])
def test_unknown_fields_are_refused(act: Callable[[], object]) -> None:
    with pytest.raises((ValueError, AttributeError), match="EnvVar has no field 'vlue'; did you mean"):
        act()


def test_copies_are_equal() -> None:
    one = interactions.EnvVar(value="1")
    for copied in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert copied == one
        assert type(copied) is interactions.EnvVar


def test_messages_take_them() -> None:
    environment = interactions.Environment(
        env={"A": interactions.EnvVar(value="1")},
        network=interactions.EnvironmentNetworkEgressAllowlist(
            allowlist=[interactions.AllowlistEntry(domain="example.com")]
        ),
    )
    assert environment.model_dump(exclude_none=True) == {
        "env": {"A": {"value": "1"}},
        "network": {"allowlist": [{"domain": "example.com"}]},
    }
