"""What the campaign's studies run in: with a server, on a cluster, under a clock that jumps, on a disk of their own."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
from disturbance import LONGEST_PAUSE, TRIES, Surroundings, end
from ray.cluster_utils import Cluster
from subject import kill_group

from study.tracking.server import free_port, running

NODES = 2  # that train, of a cluster whose nodes are killed; a third is the head
PORTS = ("dashboard_agent_listen_port", "metrics_agent_port", "metrics_export_port", "runtime_env_agent_port")
MEGABYTES = 64  # of a study's own disk
OFFSET = "offset"  # the file with the seconds by which a clock is shifted


class Unmountable(RuntimeError):  # noqa: N818 (what it is)
    """A file system in memory cannot be mounted here, as only root may."""


@contextmanager
def alone(place: Path) -> Iterator[Surroundings]:
    """A study on its own Ray, and an MLflow server over SQLite that can be killed."""
    store, port, servers = place / "server", free_port(), ExitStack()
    store.mkdir(parents=True)
    with servers:
        process, address = servers.enter_context(running(store, port=port))
        current = [process]

        def outage(chance: random.Random) -> None:
            kill_group(current[0])
            time.sleep(chance.uniform(0, LONGEST_PAUSE))
            current[0], _ = servers.enter_context(running(store, port=port))

        yield Surroundings(
            place, {"tracking": {"uri": address, "pictures": 2}}, outage=outage, database=store / "mlflow.db"
        )


@contextmanager
def cluster(place: Path) -> Iterator[Surroundings]:
    """A study on a cluster of a head that trains nothing and nodes that can be killed."""
    place.mkdir(parents=True)
    with _ray(NODES) as (head, nodes):

        def outage(chance: random.Random) -> None:
            head.remove_node(nodes.pop(chance.randrange(len(nodes))), allow_graceful=False)
            time.sleep(chance.uniform(0, LONGEST_PAUSE))
            nodes.append(_node(head))

        yield Surroundings(place, environment={"RAY_ADDRESS": head.address}, outage=outage, above=os.getpid)


@contextmanager
def shifted(place: Path) -> Iterator[Surroundings]:
    """A study and a cluster whose Python processes read a time of day that can be shifted (`clock.c`)."""
    place.mkdir(parents=True)
    variables, offset, total = clock_variables(place), place / OFFSET, [0]

    def clock(seconds: int) -> None:
        total[0] += seconds
        with offset.open("r+b") as file:  # in place, where it is mapped
            file.write(total[0].to_bytes(8, sys.byteorder, signed=True))

    with ExitStack() as servers:
        with patch.dict(os.environ, variables):  # for the workers, which Ray's servers start
            head, _ = servers.enter_context(_ray(1))
        yield Surroundings(place, environment={**variables, "RAY_ADDRESS": head.address}, clock=clock, above=os.getpid)


def clock_variables(place: Path) -> dict[str, str]:
    """The variables of a process under `clock.c`, compiled into `place`, where the file with its offset, 0, is too."""
    library, offset = place / "clock.so", place / OFFSET
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    offset.write_bytes(bytes(8))
    return {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(offset)}


@contextmanager
def small_disk(place: Path) -> Iterator[Surroundings]:
    """A study on a cluster, and a file system of its own."""
    with mounted(place, MEGABYTES), _ray(1) as (head, _):
        yield Surroundings(place, environment={"RAY_ADDRESS": head.address}, disk=place, above=os.getpid)


@contextmanager
def _ray(nodes: int) -> Iterator[tuple[Any, list[Any]]]:
    """A cluster of a head that trains nothing and some nodes."""
    head: Any = _patiently(lambda: Cluster(initialize_head=True, head_node_args=_arguments(cpus=0)))
    try:
        yield head, [_node(head) for _ in range(nodes)]
    finally:
        head.shutdown()


def _node(head: Any) -> Any:
    return _patiently(lambda: head.add_node(**_arguments(cpus=1)))


def _patiently(start: Callable[[], Any]) -> Any:
    """Start a part of a cluster, several times if need be: Ray gives it 30 seconds, too few on a busy machine."""
    for _ in range(TRIES - 1):
        before = psutil.Process().children()
        try:
            return start()
        except Exception:  # Ray's own is a bare one
            for process in psutil.Process().children():
                if process not in before:  # of the part that did not start
                    end(process)
    return start()


def _arguments(cpus: int) -> dict[str, Any]:
    """Of a node. Its agents' ports are given, as Ray would otherwise wait for the agents to choose them: 15 seconds, in
    which they do not start on a machine that does much else (ray#65983)."""
    ports = {name: free_port() for name in PORTS}
    return {"num_cpus": cpus, "object_store_memory": 80 * 2**20, **ports}


@contextmanager
def mounted(place: Path, megabytes: int) -> Iterator[Path]:
    """A file system in memory at `place`; raises `Unmountable`."""
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unmountable(f"a file system in memory cannot be mounted here: {error}") from error
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


SURROUNDINGS: dict[str, Callable[[Path], AbstractContextManager[Surroundings]]] = {
    "alone": alone,
    "cluster": cluster,
    "clock": shifted,
    "disk": small_disk,
}


def missing() -> dict[str, str]:
    """The surroundings that this machine cannot give, and why."""
    found = {}
    if sys.platform != "linux" or shutil.which("cc") is None:
        found["clock"] = "it takes Linux and a C compiler"
    if os.geteuid() != 0:
        found["disk"] = "only root may mount a file system"
    return found
