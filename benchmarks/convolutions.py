"""Convolutions on one thread: each way to compute them at DCGANs' shapes, and a DCGAN's step beside a plain loop.

A convolution, its gradients, and the gradients of those are three products of the same three arrays
(`trainables.networks.convolution`); each is measured by itself, in every way, in turns, by processor time. The
loop is what a careful user writes: torch's modules, channels first, fused Adam, one batch for real and
generated samples.

    python -m benchmarks convolutions
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks.comparison import in_turns, markdown
from benchmarks.gpu.sizes import Size
from benchmarks.population import Unmeasured, cost, plain_loop
from trainables import native
from trainables.networks import plain, settings
from trainables.networks.convolution import KERNEL, LARGE, SMALL, WAYS, Geometry
from trainables.training import Training

TITLE = "Convolutions on a processor"
BATCH = 64
PARTS = {"convolve": SMALL, "transposed": LARGE, "kernels": KERNEL}
# Channels and features, and the side of the large image, of the layers of 28x28 and of 32x32, by the width.
LAYERS: tuple[Callable[[int], tuple[int, int, int]], ...] = (
    lambda width: (1, width, 28),
    lambda width: (width, 2 * width, 14),
    lambda width: (3, width, 32),
    lambda width: (width, 2 * width, 16),
    lambda width: (2 * width, 4 * width, 8),
)
SHAPES = [(width, replicas) for width in (16, 32, 64) for replicas in ((1, 4, 16) if width == 32 else (4,))]
# Replicas, penalty, whether the generator normalises, and the prediction.
STEPS = ((4, "none", True, 1.7), (16, "none", True, 1.7), (4, "none", False, 1.6), (4, "r1", True, 1.8))


def spent(calls: Sequence[Callable[[], object]], turns: int = 3, seconds: float = 0.02) -> list[float]:
    """Milliseconds of processor time of each call, the median of so many turns."""
    times = []
    for call in calls:
        began = time.process_time()
        call()
        times.append(max(1, round(seconds / max(time.process_time() - began, 1e-6))))
    rounds = [[cost(call, count, count) for call, count in zip(calls, times, strict=True)] for _ in range(turns)]
    return [median(column) for column in zip(*rounds, strict=True)]


def layer(channels: int, features: int, side: int, replicas: int) -> list[list[str]]:
    """The rows of one layer: milliseconds a replica of each part, by each way, and the fastest way's GFLOP/s."""
    half = side // 2
    large = torch.randn(replicas, BATCH, channels, side, side)
    small = torch.randn(replicas, BATCH, features, half, half)
    trio = [large, small, torch.randn(replicas, features, channels, 4, 4)]
    geometry = Geometry((tuple(large.shape), tuple(small.shape), tuple(trio[KERNEL].shape)), 2, 1)
    names = [name for name in WAYS if name != "compiled" or native.available()]
    rows = []
    for title, part in PARTS.items():
        first, second = (x for i, x in enumerate(trio) if i != part)
        calls = [partial(WAYS[name], part, geometry, *kept(name, part, first, second), None, 1.0) for name in names]
        found = [one / replicas for one in spent(calls)]
        operations = 2 * BATCH * half * half * features * channels * 16
        rows.append(
            [
                f"{channels} → {features}, side {side}", str(replicas), title,
                *(f"**{one:.2f}**" if one == min(found) else f"{one:.2f}" for one in found),
                f"{operations / min(found) / 1e6:.0f}",
            ]
        )  # fmt: skip
    return rows


def kept(way: str, part: int, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """What a product is made of, with images as that way leaves them between layers."""
    return laid(way, first), laid(way, second) if part == KERNEL else second


def laid(way: str, images: Tensor) -> Tensor:
    if way == "grouped":
        return images.transpose(0, 1).contiguous().transpose(0, 1)
    if way == "unfolded":
        return images
    return images.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)


def step(replicas: int, penalty: str, normalises: bool, turns: int) -> tuple[float, float, float]:
    """A DCGAN of 28x28, width 32: a plain loop's milliseconds a step, ours a replica-step, and the ratio's median."""
    size = Size(32, BATCH, side=28)
    generator = {**size.networks, "batch_norm": normalises}
    steps = max(1, 8 // replicas)
    spec = size.spec(steps * (turns + 1), turns + 1, generator=generator, penalty={"name": penalty})
    training = Training(spec, range(replicas), data=size.data, evaluator=Unmeasured())
    module = plain.generator(settings("generator", generator), size.latent_dim, size.data.shape)
    critic = size.players()[1]
    loop = plain_loop(size.data.train, (module, critic), BATCH, size.latent_dim, r1=penalty == "r1")
    pairs = in_turns(
        turns + 1, lambda: cost(lambda: next(loop), 8, 8), lambda: cost(training.advance, 1, steps * replicas)
    )[1:]
    theirs, ours = zip(*pairs, strict=True)
    return median(theirs), median(ours), median(one / other for one, other in pairs)


def section(keep: bool) -> str:  # noqa: ARG001
    """Measure everything; Markdown."""
    torch.set_num_threads(1)
    before = os.getloadavg()[0]
    heads: list[Any] = ["replicas", "penalty", "generator normalises", "loop", "ours", "ratio", "predicted"]
    steps = [heads]
    for replicas, penalty, normalises, predicted in STEPS:
        theirs, ours, ratio = step(replicas, penalty, normalises, turns=7)
        said = [f"{theirs:.1f} ms", f"{ours:.1f} ms", f"{ratio:.2f}×", f"{predicted:.1f}×"]
        steps.append([str(replicas), penalty, "yes" if normalises else "no", *said])
    names = [name for name in WAYS if name != "compiled" or native.available()]
    layers = [["layer", "replicas", "made", *names, "GFLOP/s"]]
    for width, replicas in SHAPES:
        for shape in LAYERS:
            layers += layer(*shape(width), replicas)
    return "\n\n".join(
        [
            f"## {TITLE}",
            f"DCGAN 28×28, width 32, batch {BATCH}, one thread, load {before:.0f} to {os.getloadavg()[0]:.0f}:"
            " processor time of a replica's step beside a plain loop of torch (channels first), medians of 7 turns.",
            markdown(steps),
            f"4×4 convolutions of stride 2 at batch {BATCH}: milliseconds a replica, the fastest way in bold. Large"
            " images have so many channels and that side, small ones the features and half the side. GFLOP/s are by"
            " the definition; where both sides have whole vectors of channels the compiled way takes 100 products for"
            " 196 at side 14 and 36 for 64 at side 8.",
            markdown(layers),
        ]
    ) + "\n"  # fmt: skip
