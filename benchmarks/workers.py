"""One driver and 1,000 workers: what it sustains, what lag keeps them busy, and what gives way first.

The driver is the real one, without Ray's processes (`benchmarks.fake_workers`). What is measured lies between the
endings of a study's 25 % and 75 % trial, as workers begin and end in the rest. How large a lag must be is simulated by
the rule alone: trial k of an arm may begin once the arm's trials 0 … k − lag have ended.

    python -m benchmarks workers
"""

from __future__ import annotations

import heapq
import io
import math
import random
import resource
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import optuna
import ray
from rich.console import Console

from benchmarks.comparison import markdown, provenance
from benchmarks.fake_workers import Fakes, Work, faked
from benchmarks.scale import CONFIG, OBJECTIVES
from study.cluster.connection import connected
from study.config import loading
from study.execution import tuning
from study.execution.interruption import Interruption
from study.execution.machine import session_entry
from study.ledger.entries import Ended
from study.ledger.journal import Journal
from study.progress.live import Progress
from study.progress.tally import Tally
from study.storage.data_set import DataAt
from study.storage.store import store_of
from study.tracking import Tracker

TITLE = "One driver and 1,000 workers"
WORKERS, ARMS, TRIALS, REPLICAS = 1000, 50, 3000, 8
LAGS = (1.0, 1.5, 2.0, 3.0, 4.0)  # trials that may be under way, as a multiple of the workers
SPREADS = (0.0, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Case:
    """A study: its sampler, its lag, its trials' seconds, and whether MLflow follows beside it."""

    sampler: str = "random"
    lag: int = 40
    seconds: float = 60.0
    tracked: bool = False


CASES = (Case(), Case("tpe"), Case("tpe", tracked=True), Case("tpe", lag=20), Case(seconds=6.0))


@dataclass(frozen=True)
class Driven:
    """Of the middle half of a study: milliseconds of the driver a trial, of them waiting for disk or Ray, milliseconds
    an event, the share of its time that the driver works, of theirs that workers do, trials that ended a second, and
    the KiB a trial by which the driver's memory grew."""

    driver: float
    waiting: float
    event: float
    working: float
    busy: float
    rate: float
    memory: float


def driven(case: Case, workers: int = WORKERS, arms: int = ARMS, trials: int = TRIALS) -> Driven:
    """Run a study; Ray must be there."""
    sampled = {"sampler": case.sampler, "lag": case.lag, "trials_per_arm": trials // arms}
    rates = [place / arms for place in range(arms // len(OBJECTIVES))]
    scientific = {"objective": OBJECTIVES, "beta1": rates}
    budget = {"steps": 1000, "evaluations": 20, "batch_size": 2}
    plan = loading.build(
        {**CONFIG, "replicas": REPLICAS, "budget": budget, "scientific": scientific, "search": sampled}
    )
    fakes = Fakes(Work(case.seconds), futures=_futures(workers))
    marks: dict[int, tuple[float, ...]] = {}

    def mark(entry: Any, _: Any) -> None:
        marks[0] = marks.get(0, (0,))
        if isinstance(entry, Ended):
            ended = int(marks[0][0]) + 1
            marks[0] = (ended,)
            if ended in (trials // 4, 3 * trials // 4):
                clock = fakes.clock
                marks[ended] = clock.now(), clock.driver(), clock.waited, fakes.busy, fakes.events, _resident()

    with TemporaryDirectory(prefix="workers-") as place, faked(fakes), closing(Journal.open(Path(place))) as journal:
        folder = Path(place)
        journal.append(session_entry("session", plan.config, {}))
        progress = Progress(plan, Tally(plan, journal.state), Console(file=io.StringIO()))
        journal.listeners += [progress.on_entry, mark]
        tracker = Tracker(folder, plan.config)
        if case.tracked:
            journal.listeners.append(lambda *_: tracker.notify())
            tracker.start()
        slots, tuning._slots = tuning._slots, lambda _: workers
        try:
            tuning.train(plan, folder, store_of(plan.config, folder), "", DataAt(), journal, progress, Interruption())
        finally:
            tuning._slots = slots
            tracker.close()
    first, last = marks[trials // 4], marks[3 * trials // 4]
    now, processor, waited, busy, events, memory = (after - before for before, after in zip(first, last, strict=True))
    count = trials // 2
    return Driven(
        driver=1000 * (processor + waited) / count,
        waiting=1000 * waited / count,
        event=1000 * (processor + waited) / events,
        working=(processor + waited) / now,
        busy=busy / (now * workers),
        rate=count / now,
        memory=memory / count,
    )


def _resident() -> float:
    """KiB of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1024


def _futures(workers: int) -> list[Any]:
    """As many futures as Tune waits for with so many workers, of which the last is ready."""

    def never() -> None:
        """Runs nowhere."""

    remote = ray.remote(never).options(resources={"nowhere": 1.0})
    return [*(remote.remote() for _ in range(workers - 1)), ray.put(None)]


def kept_busy(lag: int, spread: float, workers: int = WORKERS, arms: int = ARMS, trials: int = 100) -> float:
    """The share of workers that are busy in the middle half of a study of so many trials an arm."""
    dice = random.Random(0)
    ended = [[False] * trials for _ in range(arms)]
    given, due = [0] * arms, [0] * arms  # of an arm: trials given out, and its first trial that has not ended
    running: list[tuple[float, int, int, float]] = []
    now, free, place, count = 0.0, workers, 0, 0
    middle, spent = [0.0, 0.0], 0.0
    while True:
        stuck = 0
        while free and stuck < arms:
            arm, place = place, (place + 1) % arms
            if given[arm] >= trials or given[arm] - due[arm] >= lag:
                stuck += 1
                continue
            stuck, free, took = 0, free - 1, math.exp(dice.gauss(0.0, spread))
            heapq.heappush(running, (now + took, arm, given[arm], took))
            given[arm] += 1
        if not running:
            break
        now, arm, index, took = heapq.heappop(running)
        ended[arm][index], free, count = True, free + 1, count + 1
        while due[arm] < trials and ended[arm][due[arm]]:
            due[arm] += 1
        quarter = arms * trials // 4
        middle[0] = now if count == quarter else middle[0]
        middle[1] = now if count == 3 * quarter else middle[1]
        spent += took if quarter < count <= 3 * quarter else 0.0
    return min(1.0, spent / ((middle[1] - middle[0]) * workers))


def section(_: bool = False) -> str:
    """Both tables, as Markdown."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows = []
    with connected():
        for case in CASES:
            with redirect_stdout(io.StringIO()):
                found = driven(case)
            rows.append(
                [
                    f"{case.sampler}, lag {case.lag}{', MLflow' if case.tracked else ''}",
                    f"{case.seconds:g}",
                    f"{found.driver:.1f}",
                    f"{found.waiting:.1f}",
                    f"{found.event:.1f}",
                    f"{1000 / found.driver:.0f}",
                    f"{found.rate:.1f}",
                    f"{found.working:.0%}",
                    f"{found.busy:.0%}",
                    f"{found.memory:.1f}",
                ]
            )
    heads = ["search", "a trial, s", "driver, ms a trial", "of it waiting", "ms an event"]
    heads += ["trials a second it could", "it did", "driver works", "workers busy", "KiB a trial"]
    lags = [
        [f"{multiple:g}", *(f"{kept_busy(round(multiple * WORKERS / ARMS), spread):.0%}" for spread in SPREADS)]
        for multiple in LAGS
    ]
    return f"""## {TITLE}

{provenance()}
The real driver against {WORKERS:,} fake workers: {ARMS} arms, {TRIALS:,} trials of {REPLICAS} replicas and 20
evaluations, whose seconds are log-normal with a spread of 0.5 (`python -m benchmarks workers`). Waiting is for the
ledger's disk and Ray's registry.

{markdown([heads, *rows])}

The share of workers that a search with memory keeps busy, by lag × arms ÷ workers and by the spread of the logarithm of
a trial's seconds:

{markdown([["lag × arms ÷ workers", *(f"spread {spread:g}" for spread in SPREADS)], *lags])}
"""
