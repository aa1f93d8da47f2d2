"""Kills at random moments, drawn from a seed: of workers, drivers, nodes and the MLflow server, many to a study.

A study alone on its own Ray, tracked by a server, loses workers, drivers and that server; one on a cluster of three
nodes, tracked in its folder, loses nodes, workers and drivers. A study that has ended is audited and the next one
begun, until the kills are done. No trial is hit more often than it would be retried, as it would rightly fail then.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from audit import Finding, Reference, audit, undisturbed
from ray.cluster_utils import Cluster
from subject import PATIENCE, Subject, kill_group, settings

from study.config import loading
from study.execution.tuning import RETRIES
from study.ledger.ledger import end
from study.tracking import waiting
from study.tracking.cursor import Cursor
from study.tracking.server import free_port, running

ALONE = {"worker": 12, "driver": 6, "server": 8}  # of 50 kills
ON_A_CLUSTER = {"node": 12, "worker": 8, "driver": 4}
KINDS = dict.fromkeys([*ALONE, *ON_A_CLUSTER])
NODES = 2  # that train; a third is the head
BLIND = 0.15  # of the kills come whatever the study is doing; the others while it trains
LONGEST_PAUSE = 3.0  # seconds between the moment a kill may come and the kill


@dataclass
class Kill:
    """One kill: what was killed, and how many seconds it was until the study was as before; None: it ended first."""

    kind: str
    seconds: float | None = None


@dataclass
class Toll:
    """All kills, what the audits found, and how many studies there were."""

    kills: list[Kill] = field(default_factory=list)
    finding: Finding = field(default_factory=Finding)
    studies: int = 0

    def table(self) -> str:
        """The kills by kind as a Markdown table, and what was lost."""
        lines = ["| killed | times | seconds to recover: median, longest |", "|---|---|---|"]
        for kind in KINDS:
            taken = sorted(kill.seconds for kill in self.kills if kill.kind == kind and kill.seconds is not None)
            times = sum(kill.kind == kind for kill in self.kills)
            if times:
                spread = f"{taken[len(taken) // 2]:.1f}, {taken[-1]:.1f}" if taken else "the study was over"
                lines.append(f"| {kind} | {times} | {spread} |")
        lines.append(f"| all | {len(self.kills)} | |")
        found = self.finding
        return "\n".join(
            [
                *lines,
                "",
                f"{self.studies} studies, {found.trials} trials, {found.rows} rows: {found.lost} rows lost,"
                f" {found.twice} rows twice, {found.trials_lost} trials lost, {found.differing} configurations"
                f" different, {found.untracked} rows different in MLflow",
                *found.about,
            ]
        )


def campaign(kills: int, seed: int, folder: Path, say: Callable[[str], None] = lambda _: None) -> Toll:
    """Kill so many times, or a few more, and count; `say` hears of each study, and one with a fault stays."""
    chance, toll, values = random.Random(seed), Toll(), settings()
    reference = undisturbed(loading.build(values), folder / "undisturbed")
    for name, shares, surroundings in (("alone", ALONE, _alone), ("cluster", ON_A_CLUSTER, _cluster)):
        planned = _planned(shares, kills, chance)
        while planned:
            place = folder / f"{name}-{toll.studies}"
            with surroundings(place) as around:
                subject = Subject({**values, **around.values}, place / "study", around.environment)
                try:
                    Disturbance(subject, around, chance, toll).until_done(planned)
                    _conclude(toll, subject, reference, around)
                    say(f"{len(toll.kills)} kills: {toll.finding}")
                finally:
                    subject.end()
    return toll


def _planned(shares: dict[str, int], kills: int, chance: random.Random) -> list[str]:
    """What is killed, in a random order; the shares are of 50 kills."""
    planned = [kind for kind, share in shares.items() for _ in range(-(-share * kills // 50))]
    chance.shuffle(planned)
    return planned


@dataclass
class Surroundings:
    """What a study runs in: changed settings, environment, and how to kill what is not the study's own.

    `outage(chance)` kills the server or a node and brings it back; `above()` is the process below which workers live,
    None for the driver itself; `database` is MLflow's.
    """

    values: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    outage: Callable[[random.Random], None] = lambda chance: None
    above: Callable[[], int | None] = lambda: None
    database: Path | None = None


class Disturbance:
    """Kills one study's parts while it runs."""

    def __init__(self, subject: Subject, around: Surroundings, chance: random.Random, toll: Toll) -> None:
        """Nothing happens before `until_done`."""
        self.subject, self.around, self.chance, self.toll = subject, around, chance, toll
        self._hits: dict[str, int] = {}
        self._waiting: list[tuple[Kill, float, Callable[[], bool]]] = []

    def until_done(self, planned: list[str]) -> None:
        """Run the study to its end and take kills from `planned` as long as it lasts."""
        self.subject.start()
        while self.subject.running:
            if not planned:
                self._pause(0.2)
            elif self._moment(planned[0]) and self._kill(planned[0]):
                planned.pop(0)
        assert self.subject.wait() == 0, self.subject.said[-3000:]

    def _moment(self, kind: str) -> bool:
        """Wait for the moment of the next kill; whether it came before the study ended."""
        began, subject = self.subject.started, self.subject
        if self.chance.random() > BLIND:
            while subject.running and not any(entry.time > began for entry in subject.told("result")):
                self._pause(0.2)
        self._pause(self.chance.uniform(0, LONGEST_PAUSE))
        while kind in ("worker", "node") and subject.running and not self._bearable():
            self._pause(0.2)
        return subject.running

    def _bearable(self) -> bool:
        """Whether there is a worker, and no trial was perhaps hit so often that another hit would fail it."""
        return bool(self._workers()) and all(self._hits.get(trial, 0) < RETRIES for trial in self.subject.open_trials())

    def _kill(self, kind: str) -> bool:
        """Kill, unless there is just nothing of the kind."""
        subject, found = self.subject, self._workers()
        workers, rows, position = len(found), subject.look(), Cursor.load(subject.folder).position
        if kind == "worker" and not found:
            return False

        def as_before() -> bool:
            if kind == "server":
                return Cursor.load(subject.folder).position > position
            return len(self._workers()) >= (1 if kind == "driver" else workers) and subject.look() > rows

        self.toll.kills.append(kill := Kill(kind))
        self._waiting.append((kill, time.monotonic(), as_before))
        match kind:
            case "worker":
                self._hit()
                _end(self.chance.choice(found))
            case "driver":
                self._hits.clear()
                subject.kill()
                if self.chance.random() < 0.5:  # else what it left behind meets its successor
                    subject.sweep()
                subject.start()
            case "node":
                self._hit()
                self.around.outage(self.chance)
            case "server":
                self.around.outage(self.chance)
        return True

    def _hit(self) -> None:
        """Remember that each trial under way may have been hit."""
        self._hits |= {trial: self._hits.get(trial, 0) + 1 for trial in self.subject.open_trials()}

    def _pause(self, seconds: float) -> None:
        """Let time pass, and see what has recovered meanwhile."""
        until_then = time.monotonic() + seconds
        while True:
            for one in list(self._waiting):
                kill, since, recovered = one
                if self.subject.running and recovered():
                    kill.seconds = time.monotonic() - since
                    self._waiting.remove(one)
            if time.monotonic() >= until_then:
                return
            time.sleep(min(0.1, seconds))

    def _workers(self) -> list[psutil.Process]:
        return self.subject.workers(self.around.above())


def _conclude(toll: Toll, subject: Subject, reference: Reference, around: Surroundings) -> None:
    """Let MLflow have the rest, audit the study, and forget it if nothing is wrong."""
    if waiting(subject.folder):
        assert subject.finish() == 0, subject.said[-3000:]
    assert not waiting(subject.folder), f"MLflow lacks entries up to {end(subject.folder)}: {subject.said[-3000:]}"
    finding = audit(subject.folder, reference, subject.seen, around.database)
    toll.finding.add(finding)
    toll.studies += 1
    if not finding.wrong:
        shutil.rmtree(subject.folder)


def _end(worker: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        worker.kill()
        worker.wait(PATIENCE)


@contextmanager
def _alone(place: Path) -> Iterator[Surroundings]:
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

        yield Surroundings({"tracking": {"uri": address, "pictures": 2}}, outage=outage, database=store / "mlflow.db")


@contextmanager
def _cluster(place: Path) -> Iterator[Surroundings]:
    """A study on a cluster of a head that trains nothing and nodes that can be killed."""
    memory = {"object_store_memory": 80 * 2**20}
    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **memory})
    try:
        nodes = [cluster.add_node(num_cpus=1, **memory) for _ in range(NODES)]

        def outage(chance: random.Random) -> None:
            cluster.remove_node(nodes.pop(chance.randrange(len(nodes))), allow_graceful=False)
            time.sleep(chance.uniform(0, LONGEST_PAUSE))
            nodes.append(cluster.add_node(num_cpus=1, **memory))

        yield Surroundings(environment={"RAY_ADDRESS": cluster.address}, outage=outage, above=os.getpid)
    finally:
        cluster.shutdown()
