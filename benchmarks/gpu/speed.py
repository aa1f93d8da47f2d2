"""Milliseconds of a replica's step: ours, a plain loop's, the same loop's under CUDA graphs, and JAX's population's.

On a card by the clock, after it has done all that was asked of it; on a processor by processor time of one thread. What
compiles or records is not timed. One plain loop is timed and stands for any number, as loops that run one after another
do not help each other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import torch

from benchmarks.gpu.sizes import Size
from benchmarks.population import JAX, plain_loop
from trainables.precision import products_in
from trainables.steps import TOGETHER

SCRIPT = Path(__file__).parents[1] / "jax_peer.py"
Advance = Callable[[int], object]  # takes so many steps, which `TOGETHER` divides


def milliseconds(advance: Advance, device: torch.device, seconds: float, turns: int) -> float:
    """A step's cost: the median of some turns of about so many seconds, none shorter than `TOGETHER` steps."""
    advance(TOGETHER)
    once = _spent(advance, TOGETHER, device)
    steps = TOGETHER * max(1, round(seconds / max(once, 1e-6)))
    turns = 1 if once > seconds else turns
    return 1e3 * median(_spent(advance, steps, device) for _ in range(turns)) / steps


def _spent(advance: Advance, steps: int, device: torch.device) -> float:
    on_a_card = device.type == "cuda"
    clock = time.perf_counter if on_a_card else time.process_time
    began = clock()
    advance(steps)
    if on_a_card:
        torch.cuda.synchronize(device)
    return clock() - began


def by_loop(size: Size, device: torch.device) -> Advance:
    """A plain loop of one replica."""
    loop = plain_loop(size.data.train.to(device), size.players(), size.batch, size.latent_dim)

    def advance(steps: int) -> None:
        for _ in range(steps):
            next(loop)

    return advance


def by_graphed_loop(size: Size, device: torch.device) -> Advance:
    """The same under CUDA graphs of `TOGETHER` steps, as torch's manual has them."""
    advance, stream, graph = by_loop(size, device), torch.cuda.Stream(device), torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        advance(3)
    torch.cuda.current_stream().wait_stream(stream)
    with torch.cuda.graph(graph, stream=stream):
        advance(TOGETHER)

    def replay(steps: int) -> None:
        for _ in range(steps // TOGETHER):
            graph.replay()

    return replay


@contextmanager
def modules_in(name: str, device: torch.device) -> Iterator[None]:
    """Within the block plain modules are computed in a precision of `trainables.precision`, in bf16 by autocast."""
    rounds = name == "bf16"
    rounding = torch.autocast(device.type, torch.bfloat16, enabled=rounds, cache_enabled=False)  # graphs have no cache
    with products_in("fp32" if rounds else name), rounding:
        yield


def python_with_jax() -> str | None:
    """A Python that has JAX and optax: this one, or that of `make jax`."""
    if all(find_spec(name) for name in ("jax", "optax")):
        return sys.executable
    return str(JAX) if JAX.exists() else None


def by_jax(
    python: str, size: Size, replicas: int, device: torch.device, seconds: float, turns: int, limit: float
) -> float:
    """Milliseconds of a replica's step in JAX's population; `RuntimeError` where it does not come to an end."""
    command = [python, str(SCRIPT), *map(str, (size.width, size.batch, replicas, seconds)), device.type]
    settings = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    try:
        done = subprocess.run(
            command, input="\n" * turns, capture_output=True, text=True, env=settings, timeout=limit, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"not done after {limit:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise RuntimeError((error.stderr.strip().splitlines() or ["it failed"])[-1]) from error
    return median(map(float, done.stdout.split()[1:]))
