"""A study in a process of its own, to which things are done from outside.

Everything ended here is a descendant of a process that was started here, or of its session; no other Ray on this
machine is touched.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import yaml

import study.cluster.environment  # noqa: F401 - before anything imports Ray
from study.config import loading
from study.ledger.entries import Entry
from study.ledger.ledger import entries

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORKER = "ray::ResourceTrainable"  # the title of a process in which Tune trains
PATIENCE = 300.0  # seconds; for a machine that does much else
SETTINGS: dict[str, Any] = {
    **yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text(encoding="utf-8")),
    "study": "faults",
    "budget": {"steps": 600, "evaluations": 12, "batch_size": 16},
    "search": {"trials_per_arm": 6},
    "confirm": {"top": 1, "replicas": 3},
    "resources": {"checkpoint_seconds": 0.3, "workers": 2},
}


class Acknowledged(NamedTuple):
    """An evaluation that the ledger has promised to keep: the trial, the step, and what was measured."""

    trial_id: str
    step: int
    columns: str


def settings(**changes: Any) -> dict[str, Any]:
    """The settings above; `search__lag=1` changes one setting of a section, `search={…}` the whole section."""
    values = copy.deepcopy(SETTINGS)
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            values.setdefault(section, {})[name] = value
        else:
            values[section] = value
    return values


def surroundings(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a study's processes, which can import what lies beside this file."""
    return {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1", **(more or {})}


def started(*words: str | Path) -> subprocess.Popen[bytes]:
    """A command of ganstudy that leads a group of its own; what it says is not kept."""
    program, nothing = [sys.executable, "-m", "study", *map(str, words)], subprocess.DEVNULL
    return subprocess.Popen(
        program, cwd=ROOT, env=surroundings(), stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one command of ganstudy to its end."""
    program = [sys.executable, "-m", "study", *map(str, words)]
    return subprocess.run(program, cwd=ROOT, env=surroundings(), capture_output=True, text=True, check=False)


class Subject:
    """The study with `values` for settings in `folder`, driven by one process after the other."""

    def __init__(self, values: Mapping[str, Any], folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Nothing is started before `start`."""
        self.folder, self.plan = folder, loading.build(values)
        self.file = folder.with_name(f"{folder.name}.yaml")
        folder.parent.mkdir(parents=True, exist_ok=True)
        loading.write(self.plan.config, self.file)
        self.seen: set[Acknowledged] = set()
        self.started = 0.0
        self._log = folder.with_name(f"{folder.name}.log")
        self._environment = surroundings(environment)
        self._driver: subprocess.Popen[bytes] | None = None
        self._orphans: list[psutil.Process] = []

    def start(self, *options: str) -> None:
        """Run the study, or `resume` it where it has begun."""
        begun = (self.folder / "study.yaml").exists()
        words = ["resume", str(self.folder)] if begun else ["run", str(self.file), "--out", str(self.folder)]
        with self._log.open("ab") as log:
            self._driver = subprocess.Popen(
                [sys.executable, "-m", "study", *words, *options],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started = time.time()

    def finish(self, *options: str) -> int:
        """Start, and wait for the end; the exit status."""
        self.start(*options)
        return self.wait()

    def wait(self, timeout: float = PATIENCE) -> int:
        """The driver's exit status."""
        try:
            return self.driver.wait(timeout)
        finally:
            self._orphans += self._session()
            self.sweep()

    def kill(self) -> None:
        """SIGKILL the driver; what it leaves behind lives on until `sweep`."""
        self._orphans += self._session()
        self.driver.kill()
        self.driver.wait()

    def sweep(self) -> None:
        """End what killed drivers left behind."""
        for process in self._orphans:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._orphans.clear()

    def end(self) -> None:
        """End everything, whatever state it is in."""
        if self._driver is not None and self.running:
            self.kill()
        self.sweep()

    @property
    def driver(self) -> subprocess.Popen[bytes]:
        """The newest driver."""
        assert self._driver is not None
        return self._driver

    @property
    def running(self) -> bool:
        """Whether the driver lives."""
        return self.driver.poll() is None

    @property
    def said(self) -> str:
        """All that the drivers have printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def told(self, *kinds: str) -> list[Entry]:
        """The ledger's whole entries of these kinds, in order."""
        try:
            return [entry for _, entry in entries(self.folder, kinds=kinds or None)]
        except FileNotFoundError:
            return []

    def wait_until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait for something that happens while the driver lives; AssertionError naming `what` if it does not come."""

        def reached() -> bool:
            running = self.running  # asked first, as it may happen just before the end
            found = bool(condition())
            assert found or running, f"the driver ended before {what}: {self.said}"
            return found

        until(reached, what)

    def look(self) -> int:
        """Remember what the ledger holds, so that its loss would be noticed; how many evaluations it holds."""
        found = acknowledged(self.told("planned", "result"))
        self.seen |= found
        return len(found)

    def open_trials(self) -> set[str]:
        """The trials planned and not ended."""
        found: set[str] = set()
        for entry in self.told("planned", "ended"):
            (found.add if entry.kind == "planned" else found.discard)(entry.trial_id)
        return found

    def workers(self, above: int | None = None) -> list[psutil.Process]:
        """The processes that train for this driver, below it or below the process `above`."""
        found = []
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(above or self.driver.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if process.create_time() > self.started and " ".join(process.cmdline()).startswith(WORKER):
                        found.append(process)
        return found

    def _session(self) -> list[psutil.Process]:
        """What runs in the driver's session and below it, but for the driver."""
        found: dict[int, psutil.Process] = {}
        with suppress(psutil.NoSuchProcess):
            found = {process.pid: process for process in psutil.Process(self.driver.pid).children(recursive=True)}
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                if os.getsid(process.pid) == self.driver.pid != process.pid:
                    found[process.pid] = process
        return list(found.values())


def acknowledged(told: list[Entry]) -> set[Acknowledged]:
    """The evaluations among entries."""
    return {
        Acknowledged(entry.trial_id, entry.step, json.dumps(entry.columns, sort_keys=True))
        for entry in told
        if entry.kind == "result"
    }


def until(condition: Callable[[], Any], what: str, timeout: float = PATIENCE) -> float:
    """Wait for something and return the seconds it took; AssertionError naming `what` if it does not come."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < timeout, f"after {timeout:.0f} s still not: {what}"
        time.sleep(0.05)
    return time.monotonic() - started


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a process that leads its group, and the group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
