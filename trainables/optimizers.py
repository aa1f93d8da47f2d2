"""Optimisers of a population: weights (R, P), gradients (R, P), and hyperparameters that are vectors over the replicas.

Adam (Kingma & Ba 2015), RMSProp (Tieleman & Hinton 2012) and SGD with heavy-ball momentum, in torch's conventions.
`beta1` is Adam's first decay and SGD's momentum, `beta2` Adam's second decay and RMSProp's smoothing.
A replica that is not `alive` keeps its weights bit for bit, whatever its gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

EPSILON = 1e-8


@dataclass
class Optimizer:
    """State of one optimiser over a population; `rule` is a name of `OPTIMIZERS`.

    `lr`, `beta1`, `beta2` are (R, 1). `first` and `second` are moments (R, P), `count` the updates made so far.
    """

    rule: str
    lr: Tensor
    beta1: Tensor
    beta2: Tensor
    first: Tensor
    second: Tensor
    count: int = 0

    @classmethod
    def zero(cls, rule: str, weights: Tensor, lr: Tensor, beta1: Tensor, beta2: Tensor) -> Optimizer:
        """An optimiser of `weights` (R, P) before its first update; hyperparameters are (R,)."""
        first, second = torch.zeros_like(weights), torch.zeros_like(weights)
        return cls(rule, lr.to(weights)[:, None], beta1.to(weights)[:, None], beta2.to(weights)[:, None], first, second)

    def update(self, weights: Tensor, gradient: Tensor, alive: Tensor) -> None:
        """Descend in place; `alive` is (R,) bool."""
        self.count += 1
        gradient = gradient.where(alive[:, None], 0.0)
        OPTIMIZERS[self.rule](self, weights, gradient, self.lr * alive[:, None])


def _adam(state: Optimizer, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
    state.first.lerp_(gradient, 1 - state.beta1)
    state.second.mul_(state.beta2).addcmul_(gradient, gradient * (1 - state.beta2))
    correction1 = 1 - state.beta1**state.count
    correction2 = 1 - state.beta2**state.count
    denominator = (state.second / correction2).sqrt_().add_(EPSILON)
    weights.sub_((state.first * (lr / correction1)).div_(denominator))


def _rmsprop(state: Optimizer, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
    state.second.mul_(state.beta2).addcmul_(gradient, gradient * (1 - state.beta2))
    weights.sub_((gradient * lr).div_(state.second.sqrt().add_(EPSILON)))


def _sgd(state: Optimizer, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
    state.first.mul_(state.beta1).add_(gradient)
    weights.sub_(state.first * lr)


OPTIMIZERS: dict[str, Callable[[Optimizer, Tensor, Tensor, Tensor], None]] = {
    "adam": _adam,
    "rmsprop": _rmsprop,
    "sgd": _sgd,
}
