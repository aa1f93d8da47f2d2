"""How the steps of a block are taken: one by one, or several at once from a CUDA graph.

A small network's step is a hundred kernels of microseconds each, and launching one from Python takes longer than it
runs. A CUDA graph launches all of them together: the kernels are recorded once and replayed on the same memory. What a
replay reads must therefore be put where it was at the recording, and what it changes must be changed in place. A step
promises that, and that no tensor's value decides what it does (`tests/trainables/test_steps.py`). Random numbers are
drawn outside of the graph, block by block.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from trainables.batches import Batch, Block

TOGETHER = 8  # steps of a graph: what is between two graphs is then little beside them
SWITCH = "GANSTUDY_GRAPHS"
WITHOUT = "training goes on without CUDA graphs: {}"

Step = Callable[[Sequence[Batch]], None]
Record = Callable[[Callable[[], None]], Callable[[], object]]  # a function to what does the same again on its memory


class OneByOne:
    """Takes the steps of a block one after the other."""

    refused = None

    def __call__(self, step: Step, block: Block) -> None:
        for batches in block.steps():
            step(batches)


class Recorded:
    """Takes the steps of a block from recordings of `together` steps, and of one for what is left over.

    `state` is all that a step changes, in tensors that stay where they are. `record` runs its argument, which changes
    the state, and returns what replays it; the state is put back afterwards. If it raises `RuntimeError` the steps are
    taken one by one from then on: a warning says why, as does `refused`.
    """

    def __init__(self, state: Sequence[Tensor], record: Record, together: int = TOGETHER) -> None:
        self.refused: str | None = None
        self._state, self._record, self._together = list(state), record, together
        self._recordings: dict[int, tuple[Block, Callable[[], object]]] = {}

    def __call__(self, step: Step, block: Block) -> None:
        whole = len(block) - len(block) % self._together
        for start in [*range(0, whole, self._together), *range(whole, len(block))]:
            self._take(step, block[start : start + (self._together if start < whole else 1)])

    def _take(self, step: Step, block: Block) -> None:
        if self.refused is None and len(block) not in self._recordings:
            self._prepare(step, block)
        if self.refused is not None:
            OneByOne()(step, block)
            return
        static, replay = self._recordings[len(block)]
        static.copy_(block)
        replay()

    def _prepare(self, step: Step, block: Block) -> None:
        static, before = block.clone(), [x.clone() for x in self._state]
        try:
            self._recordings[len(block)] = static, self._record(lambda: OneByOne()(step, static))
        except RuntimeError as error:
            self._recordings.clear()
            self.refused = " ".join(str(_first(error)).split())
            warnings.warn(WITHOUT.format(self.refused), stacklevel=2)
        for mine, saved in zip(self._state, before, strict=True):
            mine.copy_(saved)


class CudaGraphs:
    """Records functions as CUDA graphs of one device, which share their memory as none runs beside another."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._stream = device, torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, function: Callable[[], None]) -> Callable[[], object]:
        """Run the function twice, record it, and return the graph's replay; `RuntimeError` for what cannot be recorded.

        The first run loads kernels and makes what is kept between steps. The second refuses what waits for the device,
        since an attempt to record it would leave the device's memory in disorder.
        """
        with torch.cuda.device(self._device):
            self._stream.wait_stream(torch.cuda.current_stream())
            try:
                with torch.cuda.stream(self._stream):
                    function()
                    with _waiting_refused():
                        function()
            finally:
                torch.cuda.current_stream().wait_stream(self._stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, self._pool, self._stream):
                function()
        return graph.replay


def ways(device: torch.device, state: Sequence[Tensor], elsewhere: bool = False) -> OneByOne | Recorded:
    """How steps are taken that change `state` on a device: from CUDA graphs where it has them.

    Not if the step does its work `elsewhere`, which no graph would see, nor with GANSTUDY_GRAPHS=0 in the environment.
    """
    if device.type != "cuda" or elsewhere or os.environ.get(SWITCH) == "0":
        return OneByOne()
    return Recorded(state, CudaGraphs(device))


@contextmanager
def _waiting_refused() -> Iterator[None]:
    """Within the block whatever waits for the device raises `RuntimeError`."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def _first(error: BaseException) -> BaseException:
    """What happened first: ending a recording that went wrong raises again."""
    while error.__context__ is not None:
        error = error.__context__
    return error
