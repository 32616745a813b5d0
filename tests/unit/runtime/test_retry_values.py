"""Retries and hedges as values; what calls do with them is tested in tests/rpc/transport."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterable

import grpc
import pytest

import gemwire
from gemwire_runtime.retry import Hedge, Retry


def test_the_public_names_are_these() -> None:
    assert gemwire.Retry is Retry
    assert gemwire.Hedge is Hedge


def test_grpc_is_not_loaded_before_the_codes_are_read() -> None:
    code = (
        "import pickle, sys, gemwire_runtime.method, gemwire_runtime.retry as r;"
        "made = pickle.loads(pickle.dumps(r.Retry(codes=['ABORTED']))); assert made.names == {'ABORTED'};"
        "assert 'grpc' not in sys.modules; print(made.codes); assert 'grpc' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "codes",
    ["ABORTED", grpc.StatusCode.ABORTED, ["ABORTED"], (grpc.StatusCode.ABORTED, "ABORTED"), {"ABORTED"}],
)
def test_codes_are_taken_in_any_form(codes: Iterable[grpc.StatusCode | str] | grpc.StatusCode) -> None:
    retry = Retry(codes=codes)
    assert retry.codes == frozenset({grpc.StatusCode.ABORTED})
    assert pickle.loads(pickle.dumps(retry)) == retry


@pytest.mark.parametrize("codes", ["NONE", ["UNAVAILABLE", "X"], 14, [14]])
def test_what_is_no_status_code_is_refused(codes: object) -> None:
    with pytest.raises(ValueError, match=r"^Retry\.codes: .* is not a status code; use names such as"):
        Retry(codes=codes)  # type: ignore[arg-type]


def test_by_default_only_unavailable_is_retried() -> None:
    assert Retry().codes == frozenset({grpc.StatusCode.UNAVAILABLE})
