"""Ray clusters of real nodes on this machine: on loopback alone, with a token, in a temporary folder of their own."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from study.cluster.environment import RAY_ENVIRONMENT
from study.ledger.ledger import entries

ROOT = Path(__file__).parents[2]
NODE, WATCHED = Path(__file__).with_name("node.py"), Path(__file__).with_name("watched.py")
PATIENCE = 120.0  # seconds for what takes a few on a machine that is not busy
STUDY: dict[str, Any] = {
    **yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text(encoding="utf-8")),
    "confirm": {"top": 1, "replicas": 3},
}


class Nodes:
    """A cluster that grows by `head` and `add` and shrinks by `kill`; `environment` is what its clients need."""

    def __init__(self, token: bool = True) -> None:
        """Nothing runs yet."""
        # Ray's sockets lie in it, whose paths must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="gs-"))
        ours = (*RAY_ENVIRONMENT, *(name for name in os.environ if name.startswith("RAY_")))
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        self.environment = {
            **kept,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
            "RAY_AUTH_MODE": "token" if token else "disabled",
            "RAY_AUTH_TOKEN_PATH": str(self.folder / "token"),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_TMPDIR": str(self.folder),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",
        }
        (self.folder / "token").write_text(secrets.token_hex(32))
        (self.folder / "token").chmod(0o600)
        self.processes: list[psutil.Popen] = []
        self.dashboard = ""

    def head(self, cpus: int = 1, gpus: int = 0, dashboard: bool = False) -> psutil.Popen:
        """Start the head; with `dashboard` it takes jobs."""
        port = free_port()
        options = [f"--port={port}", f"--num-cpus={cpus}", f"--num-gpus={gpus}", "--include-dashboard=false"]
        if dashboard:
            options[-1:] = ["--include-dashboard=true", f"--dashboard-port={(page := free_port())}"]
            self.dashboard = f"http://127.0.0.1:{page}"
        ray_start = ["-m", "ray.scripts.scripts", "start", "--head", "--block", "--node-ip-address=127.0.0.1"]
        ports = ["--min-worker-port=0", "--max-worker-port=0", f"--dashboard-agent-listen-port={free_port()}"]
        started = self._start(sys.executable, *ray_start, f"--object-store-memory={128 * 2**20}", *ports, *options)
        self.environment["RAY_ADDRESS"] = f"127.0.0.1:{port}"
        return started

    def add(self, cpus: int = 1, gpus: int = 0, hiding: Path | None = None) -> psutil.Popen:
        """Start a further node; one that sees an empty folder in a place, as another machine does, needs root."""
        apart = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', hiding] if hiding else []
        return self._start(*apart, sys.executable, NODE, self.environment["RAY_ADDRESS"], cpus, gpus)

    def kill(self, node: psutil.Popen) -> None:
        """End a node and everything on it at once, as a machine goes down."""
        family = [*node.children(recursive=True), node]
        for process in family:
            process.kill()
        psutil.wait_procs(family, timeout=10)
        self.processes.remove(node)

    def ganstudy(self, *arguments: object, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `python -m study`, attached to the cluster."""
        return self.python("-m", "study", *arguments, environment=environment)

    def watched(self, notes: Path, *arguments: object, together: int = 1, pause: float = 0.0) -> subprocess.Popen[str]:
        """Start `python -m study` with workers that note where and when they train.

        The first trials wait until `together` workers have begun; every report takes `pause` seconds longer.
        """
        notes.mkdir()
        told = {"NOTES": str(notes), "TOGETHER": str(together), "PAUSE": str(pause)}
        return self.python(WATCHED, *arguments, environment=told)

    def python(self, *arguments: object, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a client of the cluster, from the project's folder."""
        command = [sys.executable, *map(str, arguments)]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**self.environment, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @staticmethod
    def finish(client: subprocess.Popen[str], status: int = 0) -> str:
        """What a client printed, after it ended as expected."""
        printed, _ = client.communicate(timeout=2 * PATIENCE)
        assert client.returncode == status, printed
        return printed

    @staticmethod
    def notes(folder: Path) -> list[dict[str, Any]]:
        """What the workers of a watched study wrote down, in the order of time."""
        lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
        return sorted(lines, key=lambda line: float(line["time"]))

    @staticmethod
    def wait_for(condition: Callable[[], bool], timeout: float = PATIENCE) -> None:
        """Until something holds; fails after `timeout` seconds."""
        wait_for(condition, timeout)

    def close(self) -> None:
        """End all processes and remove the folder."""
        living = [process for process in self.processes if process.is_running()]
        family = [one for process in living for one in [*process.children(recursive=True), process]]
        for process in living:
            process.terminate()
        for process in psutil.wait_procs(family, timeout=10)[1]:
            process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, *command: object) -> psutil.Popen:
        log = self.folder / f"node{len(list(self.folder.glob('node*.log')))}.log"
        with log.open("w") as file:
            process = psutil.Popen(
                [*map(str, command)], env=self.environment, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        wait_for(lambda: "Ray runtime started" in log.read_text() or process.poll() is not None, PATIENCE)
        assert process.poll() is None, log.read_text()
        return process


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], timeout: float) -> None:
    """Until something holds; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"still waiting after {timeout:g} s"
        time.sleep(0.05)


def write_config(path: Path, **changes: Any) -> Path:
    """Write the small study's configuration, with some sections replaced."""
    path.write_text(json.dumps({**STUDY, **changes}))  # JSON is YAML
    return path


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """A cluster for one test."""
    cluster = Nodes()
    yield cluster
    cluster.close()


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    """Writes the small study's configuration into the test's folder, with some sections replaced."""
    return lambda **changes: write_config(tmp_path / f"{changes.get('study', 'tiny')}.yaml", **changes)


class Alone:
    """Runs the small study with a Ray of its own; `heard` is where its processes listened: (name, address)."""

    def __init__(self, folder: Path) -> None:
        """Studies go to `folder`."""
        self.folder = folder
        self.heard: set[tuple[str, str]] = set()

    def __call__(self, **changes: Any) -> Path:
        """Run it with some sections replaced, unless it was before; the study's folder."""
        folder = self.folder / hashlib.sha256(json.dumps(changes).encode()).hexdigest()[:8]
        if not folder.exists():
            folder.mkdir()
            self._run(write_config(folder / "study.yaml", **changes), folder / "study")
        return folder / "study"

    def _run(self, configuration: Path, folder: Path) -> None:
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        command = [sys.executable, "-m", "study", "run", str(configuration), "--out", str(folder)]
        client = psutil.Popen(command, cwd=ROOT, env=surroundings, stdout=subprocess.DEVNULL)
        while client.poll() is None:
            with suppress(psutil.Error):
                self.heard |= {heard for process in [client, *client.children(True)] for heard in listening(process)}
            time.sleep(0.5)
        assert client.returncode == 0


def listening(process: psutil.Process) -> set[tuple[str, str]]:
    """Where a process takes connections: its name and the address."""
    with suppress(psutil.Error):
        found = process.net_connections("tcp")
        return {(process.name(), place.laddr.ip) for place in found if place.status == psutil.CONN_LISTEN}
    return set()


@pytest.fixture(scope="session")
def long() -> dict[str, Any]:
    """Changes by which a study takes long enough to be interrupted, and leaves checkpoints before it is."""
    return {"budget": {"steps": 1200, "evaluations": 12, "batch_size": 16}, "resources": {"checkpoint_seconds": 0.3}}


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """Studies without a cluster, to compare with."""
    return Alone(tmp_path_factory.mktemp("alone"))


@pytest.fixture(scope="session")
def curves() -> Callable[[Path], dict[tuple[str, int], str]]:
    """What a study measured, by trial and step, without times; it is checked that nothing is missing or there twice."""

    def read(folder: Path) -> dict[tuple[str, int], str]:
        told = defaultdict(list)
        for _, entry in entries(folder):
            told[entry.kind].append(entry)
        found = {(row.trial_id, row.step): json.dumps(row.columns) for row in told["result"]}
        assert len(found) == len(told["result"])
        assert sorted(e.trial_id for e in told["ended"]) == sorted({e.trial_id for e in told["planned"]})
        assert {e.status for e in told["ended"]} == {"completed"}
        return found

    return read
