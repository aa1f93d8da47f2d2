"""The precision in which networks are computed while they train, a setting of a spec.

- `fp32`: every product and convolution in float32 as IEEE has it, also where torch would take a faster one by itself.
- `tf32`: the numbers that are multiplied are rounded to 10 bits of fraction and summed in float32, by the tensor cores
  of a card (NVIDIA, since Ampere). A switch of torch's.
- `bf16`: networks are computed in bfloat16, 7 bits of fraction and float32's exponents, so that no loss need be scaled
  (Kalamkar et al. 2019). As with torch's autocast a layer's inputs, weights and biases are rounded, its sums are kept
  in float32 and its outputs are rounded.

Whatever the precision, float32 hold the weights that train, their gradients, averages and the optimisers' state
(Micikevicius et al. 2018), losses, batch normalisation, penalties on gradients with all that they differentiate, and
whatever is measured. Penalties on outputs charge outputs as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch

PRECISIONS = ("fp32", "tf32", "bf16")
_present: ContextVar[str | None] = ContextVar("precision", default=None)
# Torch's switches of what products of float32 are taken in: of cards, and of processors, which have no tf32.
_BACKENDS: Any = torch.backends
_CARDS = (_BACKENDS.cuda.matmul, _BACKENDS.cudnn.conv, _BACKENDS.cudnn.rnn)
_PROCESSORS = (_BACKENDS.mkldnn.matmul, _BACKENDS.mkldnn.conv)


@contextmanager
def products_in(name: str) -> Iterator[None]:
    """Within the block networks are computed in a precision of `PRECISIONS`. Torch's switches, which are the whole
    process's, are put back afterwards."""
    if _present.get() == name:
        yield
        return
    former, before = _former(), [(one, one.fp32_precision) for one in (*_CARDS, *_PROCESSORS)]
    summed = _CARDS[0].allow_bf16_reduced_precision_reduction
    token = _present.set(name)
    try:
        if former is not None:
            _BACKENDS.cudnn.allow_tf32 = name == "tf32"
        for one, _ in before:
            one.fp32_precision = "tf32" if name == "tf32" and one in _CARDS else "ieee"
        _CARDS[0].allow_bf16_reduced_precision_reduction = False
        yield
    finally:
        _present.reset(token)
        if former is not None:
            _BACKENDS.cudnn.allow_tf32 = former
        for one, value in before:
            one.fp32_precision = value
        _CARDS[0].allow_bf16_reduced_precision_reduction = summed


def _former() -> bool | None:
    """Cards' switch by the name that torch had for it, as `torch.backends.cudnn.flags` reads it still, so that it must
    agree with those of today; None where these were set to differ from it, which makes reading it an error."""
    try:
        return bool(_BACKENDS.cudnn.allow_tf32)
    except RuntimeError:
        return None


@contextmanager
def exact() -> Iterator[None]:
    """Within the block networks are computed in float32."""
    with products_in("fp32"):
        yield


def lowered() -> bool:
    """Whether networks are computed in less than float32 at present."""
    return _present.get() not in (None, "fp32")


def rounded(x: torch.Tensor) -> torch.Tensor:
    """What a network takes instead of its inputs at present, and computes in the type of."""
    return x.bfloat16() if _present.get() == "bf16" else x


def offered(device: torch.device) -> tuple[str, ...]:
    """The precisions that a device has."""
    if device.type == "cpu":
        return ("fp32", "bf16")
    if device.type != "cuda":
        return ("fp32",)
    with torch.cuda.device(device):
        has = {"tf32": torch.cuda.is_tf32_supported(), "bf16": torch.cuda.is_bf16_supported(including_emulation=False)}
    return ("fp32", *(name for name, there in has.items() if there))


def require(name: str, device: torch.device | str) -> None:
    """Raise `ValueError` for a precision that the device has not."""
    device = torch.device(device)
    if name != "fp32" and name not in (there := offered(device)):
        kind = "a processor" if device.type == "cpu" else f"this device ({device})"
        raise ValueError(f"precision: expected {' or '.join(there)} on {kind}, which has no {name}, got {name}")
