"""Masking of replicas that are not finite: they are left out of a computation and measured as NaN.

Where to ask which they are would be to wait for a device, another replica is measured in their place instead, and
NaN put over what it gives.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar, cast

import torch
from torch import Tensor

from trainables import transfer

P = ParamSpec("P")
Measured = TypeVar("Measured", bound=Tensor | dict[str, Tensor])


def finite_replicas(samples: Tensor) -> Tensor:
    """Which replicas of a stack (R, ...) hold finite numbers only, as a mask (R,)."""
    return torch.isfinite(samples).flatten(1).all(1)


def spread_out(values: Tensor, finite: Tensor) -> Tensor:
    """Values of the finite replicas (F, ...) put back at their indices (R, ...); NaN elsewhere, or 0 for counts."""
    everyone = torch.full((len(finite), *values.shape[1:]), _absent(values), dtype=values.dtype, device=values.device)
    everyone[finite] = values
    return everyone


class FiniteReplicas:
    """What of a stack of samples (R, ...) can be measured, and what was measured of it put back in its place."""

    def __init__(self, samples: Tensor) -> None:
        self._finite, self._apart = finite_replicas(samples), transfer.read_at_once(samples.device)
        self._all = self._apart and bool(self._finite.all())

    def rows(self, stack: Tensor) -> Tensor:
        """The finite replicas of a stack (R, ...), or as many as there are with the first of them for the others."""
        if self._all:
            return stack
        if self._apart:
            return stack[self._finite]
        first = stack.index_select(0, self._finite.byte().argmax().view(1))
        if stack.is_floating_point():
            first = first.nan_to_num(0.0, 0.0, 0.0)  # there may be none
        return stack.where(self._over(stack), first)

    def put_back(self, measured: Tensor) -> Tensor:
        """Measurements of `rows` as (R, ...), NaN for a replica that is not finite, or 0 for counts."""
        if self._all:
            return measured
        if self._apart:
            return spread_out(measured, self._finite)
        return measured.where(self._over(measured), _absent(measured))

    def _over(self, stack: Tensor) -> Tensor:
        return self._finite.view(-1, *[1] * (stack.ndim - 1))


def finite_only(
    metric: Callable[Concatenate[Tensor, P], Measured],
) -> Callable[Concatenate[Tensor, P], Measured]:
    """Wrap a metric of a stack of samples: it is given finite replicas only, the others are NaN."""

    @functools.wraps(metric)
    def masked(samples: Tensor, /, *args: P.args, **kwargs: P.kwargs) -> Measured:
        replicas = FiniteReplicas(samples)
        measured = metric(replicas.rows(samples), *args, **kwargs)
        if isinstance(measured, dict):
            return cast("Measured", {name: replicas.put_back(values) for name, values in measured.items()})
        return cast("Measured", replicas.put_back(measured))

    return masked


def _absent(values: Tensor) -> float:
    return torch.nan if values.is_floating_point() else 0
