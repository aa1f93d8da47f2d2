"""Whether a card trains as it should: the tests marked gpu, and curves that must be the same however they are taken."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import torch

from benchmarks.gpu.sizes import Size
from benchmarks.population import Unmeasured
from trainables.spec import Spec
from trainables.steps import OneByOne
from trainables.training import Training

TESTS = ("trainables/test_steps_on_a_card.py", "trainables/test_training.py", "trainables/metrics/test_evaluator.py")
RATES = (1e-3, 3e-4)  # of the configurations that are packed
Curves = list[list[float]]  # of each replica, the critic's losses


def gpu_tests(folder: Path, limit: float) -> str:
    """The last line that pytest says of the tests marked gpu, or why there is none."""
    found = [str(folder / name) for name in TESTS if (folder / name).exists()]
    if not found:
        return f"no tests in {folder.name}/"
    if find_spec("pytest") is None:
        return "pytest is not installed"
    plain = ["--noconftest", "--import-mode=importlib", "-p", "no:cacheprovider", "-o", "addopts="]
    shared = os.pathsep.join([str(folder / "trainables"), os.environ.get("PYTHONPATH", "")])  # what conftest.py adds
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", *plain, *found]
        environment = {**os.environ, "PYTHONPATH": shared}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, cwd=folder.parent, env=environment
        )
    except subprocess.TimeoutExpired:
        return f"not done after {limit:.0f} s"
    said = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "; ".join([*said, *done.stdout.strip().splitlines()[-1:]])


def curves(spec: Spec | list[Spec], replicas: int, size: Size, device: torch.device, graphs: bool = True) -> Curves:
    """The critic's loss of each replica at each evaluation; with several specs, of so many replicas each."""
    specs = [one for one in ([spec] if isinstance(spec, Spec) else spec) for _ in range(replicas)]
    seeds = [*range(replicas)] * (len(specs) // replicas)
    training = Training(specs, seeds, device, data=size.data, evaluator=Unmeasured())
    if not graphs:
        training.way = OneByOne()
    found = [evaluation.columns["loss_critic"] for evaluation in training]
    return [[float("nan") if x is None else x for x in losses] for losses in zip(*found, strict=True)]


def differences(size: Size, device: torch.device, steps: int, replicas: int = 4) -> dict[str, float]:
    """The largest relative difference between curves that should agree, by what was compared."""
    specs = [size.spec(steps, 4, generator_lr=rate, critic_lr=rate) for rate in RATES]
    alone = [curve for spec in specs for curve in curves(spec, replicas, size, device)]
    packed, single = curves(specs, replicas, size, device), curves(specs[0], 1, size, device)
    found = {
        "two configurations in one population, and each in its own": _apart(packed, alone),
        "a replica alone, and in a population": _apart(single, alone[:1]),
    }
    if device.type == "cuda":
        eager, again = (curves(specs[0], replicas, size, device, graphs=False) for _ in range(2))
        found["steps from graphs, and one by one"] = _apart(alone[:replicas], eager)
        found["one by one, twice"] = _apart(again, eager)
    return found


def _apart(some: Curves, others: Curves) -> float:
    one, other = torch.tensor(some, dtype=torch.float64), torch.tensor(others, dtype=torch.float64)
    return float(((one - other).abs() / other.abs().clamp_min(1e-12)).max())
