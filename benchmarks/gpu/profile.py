"""Where the time of a population's step goes: shares of kernels by what they are for, told in words."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.sizes import Size
from trainables.steps import TOGETHER

# Parts of names of CUDA kernels and of operations on a processor, asked in this order.
KINDS = {
    "products and convolutions": (
        "gemm", "gemv", "cutlass", "xmma", "cudnn", "conv", "wgrad", "dgrad", "implicit", "bmm", "aten::mm", "addmm",
        "dot_kernel",
    ),
    "sampling": ("distribution", "aten::rand", "aten::normal_", "aten::uniform_"),
    "copies": ("memcpy", "memset", "copy_", "catarray", "aten::cat"),
    "elementwise work and sums": (
        "elementwise", "reduce", "index", "foreach", "fill_", "aten::",
    ),
}  # fmt: skip
OTHER = "other"


@dataclass(frozen=True)
class Profile:
    """A step's milliseconds by the clock, those of its kernels (on a processor: of torch's operations), how many these
    are, and their time in `shares` by kind, which sum to 1."""

    what: str
    step: float
    busy: float
    launches: float
    shares: dict[str, float]

    def words(self, on_a_card: bool) -> str:
        """What there is to say."""
        order = sorted(self.shares.items(), key=lambda pair: -pair[1])
        told = ", ".join(f"{kind} {share:.0%}" for kind, share in order if share >= 0.005)
        each, idle = 1e3 * self.busy / max(self.launches, 1), max(0.0, 1 - self.busy / self.step)
        if on_a_card:
            where, rest, made = "the card is busy for", "waits for launches", "kernels"
        else:
            where, rest, made = (
                "torch's operations take",
                "is Python and compiled kernels",
                "operations, views among them",
            )
        return (
            f"{self.what}: a step takes {self.step:.3g} ms, of which {where} {self.busy:.3g}; the rest, {idle:.0%}, "
            f"{rest}. It has {self.launches:.0f} {made}, of {each:.1f} µs on average: {told}."
        )


def profiled(size: Size, replicas: int, device: torch.device, steps: int) -> Profile:
    """Of a population that has warmed up, over so many steps, which `TOGETHER` divides."""
    training, on_a_card = size.training(replicas, device), device.type == "cuda"
    training.take_steps(TOGETHER)

    def trained() -> float:
        began = time.perf_counter()
        training.take_steps(steps)
        if on_a_card:
            torch.cuda.synchronize(device)
        return time.perf_counter() - began

    spent = trained()  # not while it is looked at, which takes time
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_a_card else [])]) as seen:
        trained()
    wanted, times, count = DeviceType.CUDA if on_a_card else DeviceType.CPU, Counter[str](), 0
    for event in seen.key_averages():
        if event.device_type == wanted and (on_a_card or event.key.startswith("aten::")):
            times[kind(event.key)] += event.self_device_time_total if on_a_card else event.self_cpu_time_total
            count += event.count
    total = sum(times.values())
    shares = {name: time / total for name, time in times.items()} if total else {}
    what = f"{size.name}, {replicas} replicas"
    return Profile(what, 1e3 * spent / steps, total / 1e3 / steps, count / steps, shares)


def kind(name: str) -> str:
    """What a kernel or an operation is for, by its name."""
    lower = name.lower()
    return next((kind for kind, parts in KINDS.items() if any(part in lower for part in parts)), OTHER)
