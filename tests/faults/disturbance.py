"""One study while things are done to it: when the next one comes, and how long the study takes to be as before."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from subject import PATIENCE, Subject

from study.execution.tuning import RETRIES
from study.tracking.cursor import Cursor

BLIND = 0.15  # of the blows come whatever the study is doing; the others while it trains
LONGEST_PAUSE = 3.0  # seconds between the moment a blow may come and the blow
TOO_BUSY = ("Ray could not start, tried twice: The current node timed out", "expected an answer within")  # of a node
TRIES = 5  # times that a busy machine may keep a session, or a part of a cluster, from starting
TRACEBACK = "Traceback (most recent call last)"


@dataclass
class Blow:
    """One thing done to a study: its name, and how many seconds it was until the study was as before; None: it ended
    first."""

    name: str
    seconds: float | None = None


@dataclass
class Surroundings:
    """What a study runs in: a folder, changed settings, environment, and how to reach what is not the study's own.

    `outage(chance)` kills the server or a node and brings it back; `above()` is the process below which workers live,
    None for the driver itself; `database` is MLflow's; `clock(seconds)` shifts the time that the study's processes
    read; `disk` is the file system that the study is on, where it has one for itself.
    """

    place: Path
    values: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    outage: Callable[[random.Random], None] = lambda chance: None
    above: Callable[[], int | None] = lambda: None
    database: Path | None = None
    clock: Callable[[int], None] = lambda seconds: None
    disk: Path | None = None


class Disturbance:
    """What befalls one study until it is done.

    `blows` are what was done to it, `done` the acts that did so, and `wrong` holds what it did that it should not have.
    `late` counts sessions that ended, saying so, because Ray or a node had not started in time: the machine was busy.
    """

    def __init__(self, subject: Subject, around: Surroundings, chance: random.Random) -> None:
        """Nothing happens before `until_done`."""
        self.subject, self.around, self.chance = subject, around, chance
        self.blows: list[Blow] = []
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.late = 0
        self._hits: dict[str, int] = {}
        self._known = 0
        self._waiting: list[tuple[Blow, float, Callable[[], bool]]] = []

    def until_done(self, planned: Sequence[str], acts: Mapping[str, Callable[[Disturbance], bool]]) -> None:
        """Run the study to its end, with the planned acts, in their order, as long as it lasts."""
        self.start()
        left = list(planned)
        while self.subject.running or self._started_again():
            if not left:
                self.pause(0.2)
            elif self._moment(left[0]) and acts[left[0]](self):
                self.done[left.pop(0)] += 1
        if (status := self.subject.wait()) != 0:
            self.wrong.append(f"the last session ended with {status}: {self.subject.said[-1000:]}")

    def finish(self) -> int:
        """Bring the study to its end, with nothing done to it; the exit status."""
        self.start()
        while self.subject.wait() and self._started_again():
            pass
        return self.subject.wait()

    def _started_again(self) -> bool:
        """Whether the session ended as the machine was too busy for Ray to start, and is begun anew."""
        last = self.subject.said.rstrip().rpartition("\n")[2]
        if not self.subject.wait() or self.late == TRIES or not any(words in last for words in TOO_BUSY):
            return False
        self.late += 1
        self.start()
        return True

    def start(self, *options: str) -> None:
        """Begin a session; only what it trains itself counts as training."""
        self._hits.clear()
        self._known = len(self.subject.told("result"))
        self.subject.start(*options)

    def again(self, *expected: int) -> None:
        """Wait until the session has ended, with one of the exit statuses expected, and begin the next."""
        status = self.subject.wait()
        if status not in expected:
            self.wrong.append(f"a session ended with {status}, not with {expected}: {self.subject.said[-1000:]}")
        self.start()

    def strike(self, name: str, as_before: Callable[[], bool] | None = None) -> None:
        """Note that something happens now; by default the study is as before once a worker brings another row."""
        rows = self.subject.look()

        def trains_again() -> bool:
            return bool(self.workers()) and self.subject.look() > rows

        self.blows.append(blow := Blow(name))
        self._waiting.append((blow, time.monotonic(), as_before or trains_again))

    def hit(self) -> None:
        """Remember that each trial under way may have been hit."""
        self._hits |= {trial: self._hits.get(trial, 0) + 1 for trial in self.subject.open_trials()}

    def workers(self) -> list[psutil.Process]:
        """The processes that train."""
        return self.subject.workers(self.around.above())

    def sent(self) -> int:
        """How far MLflow has been told."""
        return sum(Cursor.load(self.subject.folder).position)

    def pause(self, seconds: float) -> None:
        """Let time pass, and see what has recovered meanwhile."""
        until_then = time.monotonic() + seconds
        while True:
            for one in list(self._waiting):
                blow, since, recovered = one
                if self.subject.running and recovered():
                    blow.seconds = time.monotonic() - since
                    self._waiting.remove(one)
            if time.monotonic() >= until_then:
                return
            time.sleep(min(0.1, seconds))

    def _moment(self, name: str) -> bool:
        """Wait for the moment of the next act; whether it came before the session ended."""
        subject = self.subject
        while subject.running and not subject.told():  # the first seconds have a kind of their own
            self.pause(0.2)
        if self.chance.random() > BLIND:
            while subject.running and len(subject.told("result")) <= self._known:
                self.pause(0.2)
        self.pause(self.chance.uniform(0, LONGEST_PAUSE))
        while name in ("worker", "node") and subject.running and not self._bearable():
            self.pause(0.2)
        return subject.running

    def _bearable(self) -> bool:
        """Whether there is a worker, and no trial was perhaps hit so often that another hit would fail it."""
        return bool(self.workers()) and all(self._hits.get(trial, 0) < RETRIES for trial in self.subject.open_trials())


def end(process: psutil.Process) -> None:
    """SIGKILL, and wait."""
    with suppress(psutil.NoSuchProcess):
        process.kill()
        process.wait(PATIENCE)
