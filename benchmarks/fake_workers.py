"""Workers that train nothing, for the real driver: what Tune calls an actor manager, without Ray's processes.

Tune's controller, the study's searcher, scheduler, recorder, journal and, if wanted, tracker are the real ones. A fake
worker's trial takes a time drawn from a distribution and reports evaluations in the real form. Time is simulated: it
advances by what the driver spends (processor time of its process, whose threads share one interpreter lock, and waiting
for the disk and for Ray), and jumps to the next event when the driver has nothing to do. What the fakes themselves
spend is left out, so that 1,000 workers of a minute a trial are simulated in the driver's own time.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import ray
from ray.tune import registry
from ray.tune.execution import tune_controller

from study.execution.evaluations import TimedEvaluation
from study.execution.job import Job, from_json
from study.ledger import ledger

START, RESET = 2.0, 0.005  # seconds until a worker is there, and until it has taken another trial
POLL = 0.1  # seconds that Tune waits for an event


class Clock:
    """Simulated seconds: what the driver spends, and what is skipped while it has nothing to do."""

    def __init__(self) -> None:
        self._skipped = self._left_out = self.waited = 0.0

    def now(self) -> float:
        """Seconds since some instant."""
        return self._skipped + self.waited + self.driver()

    def driver(self) -> float:
        """Processor seconds of this process, without those of the fakes."""
        return time.process_time() - self._left_out

    def skip_to(self, when: float) -> None:
        """Nothing happens before `when`."""
        self._skipped += max(0.0, when - self.now())

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """What the block spends is not the driver's."""
        started = time.process_time()
        try:
            yield
        finally:
            self._left_out += time.process_time() - started

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The driver waits within the block for something other than the processor."""
        started, spent = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self.waited += max(0.0, time.monotonic() - started - (time.process_time() - spent))


@dataclass(frozen=True)
class Work:
    """Trials: the median of their seconds, the standard deviation of its logarithm, and how often they evaluate."""

    seconds: float = 60.0
    spread: float = 0.5
    evaluations: int = 20

    def drawn(self, dice: random.Random) -> float:
        """A trial's seconds."""
        return self.seconds * math.exp(dice.gauss(0.0, self.spread))


class Worker:
    """One fake worker, and the pack of trials that it has."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.get_auto_filled_metrics = SimpleNamespace(remote=lambda **_: {})  # Tune asks for it of every trial
        self.take(config)

    def take(self, config: Mapping[str, Any]) -> None:
        """Begin another pack."""
        self.jobs, self.evaluated, self.due, self.seconds = from_json(config["job"]), 0, 0, 0.0

    def train(self, work: Work, dice: random.Random) -> float:
        """Train to the next report; the seconds that it takes."""
        self.seconds = self.seconds or work.drawn(dice)
        one = self.seconds / work.evaluations
        self.due = min(work.evaluations, self.evaluated + max(1, math.ceil(self.jobs[0].report_seconds / one)))
        return one * (self.due - self.evaluated)

    def report(self, work: Work, dice: random.Random) -> dict[str, Any]:
        """What `study.execution.pack.Pack.report` returns, with columns such as a mixture's."""
        evaluated, self.evaluated = self.evaluated, self.due
        done = self.evaluated == work.evaluations
        return {
            "reports": json.dumps([self._of(job, evaluated, work, dice) for job in self.jobs]),
            "done": done,
            "notes": "[]",
            "time_this_iter_s": self.seconds * (self.due - evaluated) / work.evaluations,
            "time_total_s": self.seconds,
            "training_iteration": self.evaluated,
        }

    def _of(self, job: Job, evaluated: int, work: Work, dice: random.Random) -> dict[str, Any]:
        seeds, rate = len(job.seeds), math.log10(job.spec["generator_lr"]) + 3
        rows, columns = [], dict[str, Sequence[Any]]()
        for number in range(evaluated + 1, self.due + 1):
            columns = {name: [abs(rate) / 2 + 0.1 * dice.random() for _ in range(seeds)] for name in COLUMNS}
            columns |= {"modes": [8.0] * seeds}
            columns |= {"mode_histogram": [dice.choices(range(300), k=8) for _ in range(seeds)]}
            columns |= {"diverged": [False] * seeds, "diverged_step": [None] * seeds}
            share = number / work.evaluations
            rows.append(vars(TimedEvaluation(round(job.spec["steps"] * share), self.seconds * share, columns)))
        return {
            "trial_id": job.trial_id,
            "rows": rows,
            "score": columns["fid"][0],
            "evaluation": self.evaluated,
            "finished": self.evaluated == work.evaluations,
        }


COLUMNS = [
    "fid",
    "mass_js",
    "mass_tv",
    "modes",
    "high_quality",
    "coverage",
    "density",
    "precision",
    "recall",
    "sliced_wasserstein",
    "energy",
    "generator_loss",
    "critic_loss",
    "real_score",
    "fake_score",
    "penalty",
    "generator_gradient",
    "critic_gradient",
]


@dataclass
class Fakes:
    """What the manager and a benchmark share: the clock, the work, the dice, and what was counted.

    `futures` are Ray's, of which only the last is ever ready: where there are any they are waited for at every event.
    """

    work: Work
    clock: Clock = field(default_factory=Clock)
    dice: random.Random = field(default_factory=lambda: random.Random(0))
    busy: float = 0.0  # seconds of workers' time
    events: int = 0
    late: float = 0.0  # seconds that events waited for the driver, all together
    futures: list[Any] = field(default_factory=list)


class Manager:
    """As much of Ray's actor manager as Tune's controller uses, with fake workers."""

    def __init__(self, fakes: Fakes) -> None:
        self._fakes = fakes
        self._events: list[tuple[float, int, Any, Callable[[], None]]] = []
        self._order = itertools.count()
        self._tasks: dict[Any, set[int]] = {}
        self._cancelled: set[int] = set()
        self._live_actors_to_ray_actors_resources: dict[Any, tuple[Worker, None]] = {}  # Tune reads it
        self._actor_task_events = SimpleNamespace(resolve_future=lambda _: None)

    num_live_actors = property(lambda self: len(self._live_actors_to_ray_actors_resources))
    num_total_actors = num_live_actors
    num_pending_actors = property(lambda self: 0)
    num_actor_tasks = property(lambda self: len(self._events))

    def add_actor(self, cls: Any, kwargs: Mapping[str, Any], resource_request: Any, **hooks: Any) -> Any:  # noqa: ARG002
        """A worker that is there after `START`."""
        actor = Actor(hooks["on_start"], hooks["on_stop"], hooks["on_error"])
        with self._fakes.clock.left_out():
            self._live_actors_to_ray_actors_resources[actor] = Worker(kwargs["config"]), None
        self._at(START, actor, lambda: actor.on_start(actor))
        return actor

    def schedule_actor_task(
        self,
        tracked_actor: Any,
        method_name: str,
        args: Sequence[Any] = (),
        on_result: Callable[..., None] | None = None,
        **_: Any,
    ) -> None:
        """Have a worker train to its next report, or take another trial."""
        fakes, worker = self._fakes, self._live_actors_to_ray_actors_resources[tracked_actor][0]
        if method_name == "reset":
            with fakes.clock.left_out():
                worker.take(args[0])
            self._at(RESET, tracked_actor, lambda: on_result and on_result(tracked_actor, True))
        elif method_name == "train":
            wait = worker.train(fakes.work, fakes.dice)

            def report() -> None:
                with fakes.clock.left_out():
                    result = worker.report(fakes.work, fakes.dice)
                    fakes.busy += wait
                if on_result:
                    on_result(tracked_actor, result)

            self._at(wait, tracked_actor, report)

    def next(self, timeout: float | None = None) -> bool:
        """Handle the next event; False if none comes before the timeout."""
        fakes = self._fakes
        if fakes.futures:  # as Ray's own manager does
            ray.wait(random.sample(fakes.futures, len(fakes.futures)), num_returns=1, timeout=timeout)
        while self._events and self._events[0][1] in self._cancelled:
            self._cancelled.discard(heapq.heappop(self._events)[1])
        limit = fakes.clock.now() + (POLL if timeout is None else timeout)
        if not self._events or self._events[0][0] > limit:
            fakes.clock.skip_to(limit)
            return False
        when, order, actor, happen = heapq.heappop(self._events)
        fakes.clock.skip_to(when)
        fakes.late += fakes.clock.now() - when
        fakes.events += 1
        self._tasks.get(actor, set()).discard(order)
        happen()
        return True

    def remove_actor(self, tracked_actor: Any, kill: bool = False, stop_future: Any = None) -> bool:  # noqa: ARG002
        """Let a worker go."""
        self.clear_actor_task_futures(tracked_actor)
        there = self._live_actors_to_ray_actors_resources.pop(tracked_actor, None) is not None
        if there and tracked_actor.on_stop:
            self._at(0.0, tracked_actor, lambda: tracked_actor.on_stop and tracked_actor.on_stop(tracked_actor))
        return there

    def clear_actor_task_futures(self, tracked_actor: Any) -> None:
        """Forget what a worker was to do."""
        self._cancelled |= self._tasks.pop(tracked_actor, set())

    def is_actor_started(self, tracked_actor: Any) -> bool:
        """Whether it has not been let go."""
        return tracked_actor in self._live_actors_to_ray_actors_resources

    def is_actor_failed(self, tracked_actor: Any) -> bool:  # noqa: ARG002
        """Fakes do not fail."""
        return False

    def get_live_actors_resources(self) -> dict[str, float]:
        """For Tune's messages."""
        return {"CPU": float(self.num_live_actors)}

    def cleanup(self) -> None:
        """Nothing is left to do."""

    def _at(self, wait: float, actor: Any, happen: Callable[[], None]) -> None:
        order = next(self._order)
        self._tasks.setdefault(actor, set()).add(order)
        heapq.heappush(self._events, (self._fakes.clock.now() + wait, order, actor, happen))


@dataclass(eq=False)
class Actor:
    """What Tune keeps of a worker."""

    on_start: Callable[[Any], None]
    on_stop: Callable[[Any], None] | None
    on_error: Any

    def set_on_stop(self, hook: Callable[[Any], None] | None) -> None:
        """What to call once it has stopped."""
        self.on_stop = hook

    def set_on_error(self, hook: Any) -> None:
        """What to call if it fails."""
        self.on_error = hook


@contextmanager
def faked(fakes: Fakes) -> Iterator[None]:
    """Within the block Tune's controller has fake workers, and waiting for disk and Ray is the driver's time."""

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def waited(*arguments: Any) -> Any:
            with fakes.clock.waiting():
                return function(*arguments)

        return waited

    def manager(resource_manager: Any) -> Manager:  # noqa: ARG001
        return Manager(fakes)

    with ExitStack() as stack:
        stack.enter_context(patch.object(tune_controller, "RayActorManager", manager))
        stack.enter_context(patch.object(ledger.os, "fsync", timed(os.fsync)))
        stack.enter_context(patch.object(registry, "_internal_kv_get", timed(registry._internal_kv_get)))
        yield
