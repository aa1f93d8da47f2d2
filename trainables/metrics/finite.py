"""Masking of replicas that are not finite: they are left out of a computation and measured as NaN."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar, cast

import torch
from torch import Tensor

P = ParamSpec("P")
Measured = TypeVar("Measured", bound=Tensor | dict[str, Tensor])


def finite_replicas(samples: Tensor) -> Tensor:
    """Which replicas of a stack (R, ...) hold finite numbers only, as a mask (R,)."""
    return torch.isfinite(samples).flatten(1).all(1)


def spread_out(values: Tensor, finite: Tensor) -> Tensor:
    """Values of the finite replicas (F, ...) put back at their indices (R, ...); NaN elsewhere, or 0 for counts."""
    absent = torch.nan if values.is_floating_point() else 0
    everyone = torch.full((len(finite), *values.shape[1:]), absent, dtype=values.dtype, device=values.device)
    everyone[finite] = values
    return everyone


def finite_only(
    metric: Callable[Concatenate[Tensor, P], Measured],
) -> Callable[Concatenate[Tensor, P], Measured]:
    """Wrap a metric of a stack of samples: it is given the finite replicas only, the others are NaN."""

    @functools.wraps(metric)
    def masked(samples: Tensor, /, *args: P.args, **kwargs: P.kwargs) -> Measured:
        finite = finite_replicas(samples)
        if bool(finite.all()):
            return metric(samples, *args, **kwargs)
        measured = metric(samples[finite], *args, **kwargs)
        if isinstance(measured, dict):
            return cast("Measured", {name: spread_out(values, finite) for name, values in measured.items()})
        return cast("Measured", spread_out(measured, finite))

    return masked
