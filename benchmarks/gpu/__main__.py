"""Measure populations on this machine's card, in nine minutes at most; torch, numpy and scipy are all it needs.

    python -m benchmarks.gpu [--out FOLDER] [--seconds N] [--least]

The folders trainables/ and benchmarks/ suffice; the tests marked gpu run where tests/ is beside them, and JAX where it
is installed. It writes findings.json and findings.md. Without a card it does the same on a processor in a reduced form,
in two minutes at most, and says so. What no longer fits into the time is left out, and named.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from benchmarks.gpu import sizes, speed
from benchmarks.gpu.checks import differences, gpu_tests
from benchmarks.gpu.page import AT, Cost, Findings, card, machine, page
from benchmarks.gpu.profile import profiled
from benchmarks.gpu.sizes import Size
from trainables import native
from trainables.networks import convolution
from trainables.precision import offered
from trainables.steps import TOGETHER

TESTS = Path(__file__).parents[2] / "tests"


@dataclass(frozen=True)
class Effort:
    """How much is measured: `seconds` of a turn, `turns` of each, and `budget`, seconds of it all."""

    sizes: Sequence[Size]
    replicas: Sequence[int]
    seconds: float
    turns: int
    budget: float


CARD = Effort(sizes.CARD, (1, 4, 16, 64, 256), 0.3, 3, 540)
PROCESSOR = Effort(sizes.PROCESSOR, (1, 4, 16), 0.2, 3, 110)
LEAST = Effort(sizes.LEAST, (1, 2), 0.001, 1, 60)


class Run:
    """One run: what it finds, and what of the time is left."""

    def __init__(self, effort: Effort, device: torch.device) -> None:
        self.effort, self.device = effort, device
        self.found = Findings(card(device), machine())
        self.end = time.monotonic() + effort.budget

    @property
    def left(self) -> float:
        """Seconds."""
        return self.end - time.monotonic()

    def tried(self, what: str, measure: Callable[[], float], needed: float = 0.0) -> float | None:
        """A measurement; None where its time is up or it fails, which is noted."""
        if self.left < needed:
            self.found.left_out.append(f"{what}: no time left")
            return None
        try:
            return measure()
        except RuntimeError as error:  # out of memory, for one
            self.found.left_out.append(f"{what}: {' '.join(str(error).split())[:200]}")
            return None
        finally:
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def cost(self, advance: Callable[[], speed.Advance]) -> float:
        """Milliseconds of a step of what is made here, and gone afterwards."""
        return speed.milliseconds(advance(), self.device, self.effort.seconds, self.effort.turns)

    def costs(self, size: Size, precision: str) -> None:
        """Of one size: the peers once, then populations."""
        name, device = f"{size.name}, {precision}", self.device
        with speed.modules_in(precision, device):
            loop = self.tried(f"{name}: plain loop", lambda: self.cost(lambda: speed.by_loop(size, device)), 5)
            graphed = None
            if device.type == "cuda":
                by_graphs = partial(speed.by_graphed_loop, size, device)
                graphed = self.tried(f"{name}: graphed loop", lambda: self.cost(by_graphs), 5)
        for replicas in self.effort.replicas:
            memory: list[float] = []
            measure = partial(self.ours, size, replicas, precision, memory)
            ours = self.tried(f"{name}, {replicas} replicas", measure, 10)
            if ours is not None:
                cost = Cost(size.name, precision, replicas, ours, loop, graphed, mebibytes=memory[0])
                self.found.costs.append(cost)

    def ours(self, size: Size, replicas: int, precision: str, memory: list[float]) -> float:
        """Milliseconds of a replica's step; notes the mebibytes that a replica takes."""
        training = size.training(replicas, self.device, precision)
        spent = self.cost(lambda: training.take_steps) / replicas
        self.found.left_out += [f"{size.name}, {replicas} replicas: {trouble}" for trouble in training.troubles]
        taken = sum(x.nbytes for x in training.state)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            taken = torch.cuda.memory_reserved(self.device)
        memory.append(taken / 2**20 / replicas)
        return spent

    def convolutions(self, size: Size, precision: str) -> None:
        """Of one size of pictures: our populations by each way of computing them that the device has."""
        replicas, found = self.some, {}
        for way in convolution.WAYS:
            if way != "compiled" or (self.device.type == "cpu" and native.available()):
                with convolution.by(way):
                    what = f"{size.name}, {precision}, {replicas} replicas"
                    found[way] = self.tried(f"{what}, {way}", partial(self.ours, size, replicas, precision, []), 20)
        self.found.convolutions[what] = found

    def jax(self) -> None:
        """JAX's populations of points, at the replicas that a goal is about or the most, then at others."""
        python = speed.python_with_jax()
        if python is None:
            self.found.left_out.append("JAX: not installed")
            return
        known = {size.name: size for size in self.effort.sizes if not size.side}
        first = (self.some, self.effort.replicas[-1])
        for place, cost in sorted(enumerate(self.found.costs), key=lambda pair: pair[1].replicas not in first):
            if cost.size in known:
                what = f"JAX, {cost.size}, {cost.replicas} replicas"
                measure = partial(self._by_jax, python, known[cost.size], cost.replicas)
                self.found.costs[place] = replace(cost, jax=self.tried(what, measure, 20))

    def _by_jax(self, python: str, size: Size, replicas: int) -> float:
        seconds, turns = self.effort.seconds, self.effort.turns
        return speed.by_jax(python, size, replicas, self.device, seconds, turns, self.left)

    @property
    def some(self) -> int:
        """Replicas of the goals or, in a reduced form, the most there are."""
        return AT if AT in self.effort.replicas else self.effort.replicas[-1]

    def profiles(self) -> None:
        """Of the first size of points and the first of pictures."""
        for size in {bool(size.side): size for size in reversed(self.effort.sizes)}.values():
            self.tried(f"profile of {size.name}", partial(self._profile, size, self.some), 10)

    def _profile(self, size: Size, replicas: int) -> float:
        self.found.profiles.append(profiled(size, replicas, self.device, TOGETHER))
        return self.found.profiles[-1].step

    def all(self) -> Findings:
        """Everything, what matters most first."""
        self.found.tests = gpu_tests(TESTS, min(150, self.left)) if self.device.type == "cuda" else "they need a card"
        pictures = [size for size in self.effort.sizes if size.side]
        for size in self.effort.sizes:
            self.costs(size, "fp32")
        self.tried("curves", self._curves, 20)
        self.profiles()
        precisions = offered(self.device) if self.device.type == "cuda" else ("fp32",)
        for size in pictures:
            for precision in precisions[1:]:
                self.costs(size, precision)
            for precision in precisions:
                self.convolutions(size, precision)
        self.jax()
        return self.found

    def _curves(self) -> float:
        self.found.apart = differences(self.effort.sizes[0], self.device, steps=4 * (2 * TOGETHER + 3))
        return max(self.found.apart.values())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="Populations on a card.")
    parser.add_argument("--out", type=Path, default=Path("build/gpu"), help="folder of what is written (build/gpu)")
    parser.add_argument("--seconds", type=float, help="what it may take (540 on a card, 110 without)")
    parser.add_argument("--least", action="store_true", help="only show that it runs, in seconds, without a card")
    options = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() and not options.least else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)
    effort = LEAST if options.least else CARD if device.type == "cuda" else PROCESSOR
    run = Run(replace(effort, budget=options.seconds or effort.budget), device)
    found = run.all()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "findings.json").write_text(
        json.dumps(found.plain(), indent=1, ensure_ascii=False), encoding="utf-8"
    )
    written = page(found)
    (options.out / "findings.md").write_text(written, encoding="utf-8")
    print(written)


if __name__ == "__main__":
    main()
