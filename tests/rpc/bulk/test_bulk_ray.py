"""Jobs on a Ray cluster: several nodes, all of them on this machine, some of them killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from counting_server import Counted, numbers, write
from eventually import comes

from gemwire import bulk, errors

pytest.importorskip("ray.data")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    # One process, and so one cluster, for all of them.
    pytest.mark.xdist_group("ray"),
    # Ray's own: files and sockets that it leaves to the garbage collector.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def environment() -> Iterator[None]:
    # Before Ray is imported: it reports to nobody, finds what failed within seconds, and waits longer than a
    # minute for the processes of a cluster to answer.
    wanted = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_health_check_period_ms": "1000",
        "RAY_health_check_failure_threshold": "3",
        "RAY_gcs_server_request_timeout_seconds": "180",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    yield
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


@pytest.fixture(scope="module")
def cluster(environment: None) -> Iterator[Any]:
    import ray
    from ray.cluster_utils import Cluster

    # Ray gives each node 30 seconds to start, whatever else the machine does.
    for attempts_left in (2, 1, 0):
        made = Cluster()
        try:
            made.add_node(num_cpus=1, object_store_memory=80 << 20, include_dashboard=False)
            add_node(made)
            ray.init(address=made.address, log_to_driver=False)
            break
        except Exception:
            ray.shutdown()
            made.shutdown()
            if not attempts_left:
                raise
    yield made
    ray.shutdown()
    made.shutdown()


def add_node(cluster: Any) -> Any:
    return cluster.add_node(num_cpus=2, object_store_memory=80 << 20)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    made = Counted()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", made.address)
    yield made
    made.stop()


def test_the_same_job_as_elsewhere(cluster: Any, counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 400)
    with (tmp_path / "in.jsonl").open("a") as file:
        file.write("\nnonsense\n")
    arguments: dict[str, Any] = {"model": "m", "config": {"temperature": 0.5}}
    files = (tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    done = bulk.generate(*files, engine="ray", processes=2, concurrency=16, **arguments)
    assert (done.answered, done.failed, done.tokens_in) == (400, 1, 1200)
    assert set(counted.counts.values()) == {1}
    assert numbers(files[1]) == list(range(1, 401))
    assert numbers(tmp_path / "out.failures.jsonl") == [402]
    # What was begun there goes on here, and the other way round.
    kept = files[1].read_bytes().splitlines(keepends=True)[:250]
    files[1].write_bytes(b"".join(kept))
    counted.counts.clear()
    assert bulk.generate(*files, **arguments).answered == 150
    files[1].write_bytes(b"".join(kept))
    assert bulk.generate(*files, engine="ray", concurrency=8, **arguments).answered == 150
    assert sorted(set(counted.counts)) == sorted({*range(1, 401)} - {json.loads(k)["line"] for k in kept})


def test_embeddings(cluster: Any, counted: Counted, tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    write(tmp_path / "in.jsonl", 1000)
    output = tmp_path / "out.npy"
    done = bulk.embed(
        tmp_path / "in.jsonl", output, model="m", field="prompt", engine="ray", processes=2, concurrency=2
    )
    assert done.answered == 1000
    assert np.load(output)[:, 0].tolist() == [len(f"This is line {n}. ") for n in range(1, 1001)]
    assert counted.calls["BatchEmbedContents"] == 10


def test_a_wrong_key_ends_the_job(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gemwire.testing import emulator

    write(tmp_path / "in.jsonl", 2000)
    with emulator() as gemini:
        gemini.fail("UNAUTHENTICATED", method="GenerateContent", times=0)
        with pytest.raises(errors.Unauthenticated):
            bulk.generate(
                tmp_path / "in.jsonl",
                tmp_path / "out.jsonl",
                model="gemini-2.5-flash",
                engine="ray",
                processes=2,
                concurrency=8,
            )
        assert len(gemini.calls("GenerateContent")) < 500
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_node_that_is_killed(cluster: Any, counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 2000)
    counted.latency = 0.05
    node = add_node(cluster)
    killed: list[int] = []

    def kill(now: bulk.Progress) -> None:
        if now.done > 200 and not killed:
            killed.append(now.done)
            cluster.remove_node(node, allow_graceful=False)

    files = (tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    arguments: dict[str, Any] = {"engine": "ray", "processes": 4, "concurrency": 16}
    try:
        bulk.generate(*files, model="m", progress=kill, **arguments)
    except bulk.JobStopped as stopped:
        print(stopped)
        bulk.generate(*files, model="m", **arguments)
    assert killed
    assert killed[0] < 1500
    assert numbers(files[1]) == list(range(1, 2001))
    print(f"{sum(counted.counts.values()) - 2000} lines were asked for again")


def test_a_driver_that_is_killed(cluster: Any, counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 1500)
    counted.latency = 0.05
    files = (tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    script = f"""
from gemwire import bulk
bulk.generate({str(files[0])!r}, {str(files[1])!r}, model="m", engine="ray", ray_address={cluster.address!r},
              processes=2, concurrency=8)
"""
    driver = subprocess.Popen([sys.executable, "-c", script])
    assert comes(lambda: len(numbers(files[1])) > 100 or driver.poll() is not None, within=120)
    driver.kill()
    driver.wait()
    done = numbers(files[1])
    assert 100 < len(done) < 1500
    before = dict(counted.counts)
    assert bulk.generate(*files, model="m").before == len(done)
    assert numbers(files[1]) == list(range(1, 1501))
    assert all(counted.counts[number] == before[number] for number in done)


def test_no_cluster(environment: None, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 3)
    server = Counted()
    # In a process of its own: this one has a cluster.
    script = f"""
from gemwire import bulk
bulk.generate({str(tmp_path / "in.jsonl")!r}, {str(tmp_path / "out.jsonl")!r}, model="m", engine="ray",
              ray_address="127.0.0.1:1")
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "GEMINI_EMULATOR_HOST": server.address},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    server.stop()
    assert "JobStopped: no Ray cluster found at 127.0.0.1:1" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
