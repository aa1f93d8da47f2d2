"""Optimisers of a population: weights (R, P), gradients (R, P), and hyperparameters that are vectors over the replicas.

Adam (Kingma & Ba 2015), AdamW (Loshchilov & Hutter 2019), RMSProp (Tieleman & Hinton 2012) and SGD with heavy-ball or
Nesterov's momentum, in torch's conventions; Lion (Chen et al. 2023), which descends by the sign of a momentum; and
optimistic Adam and SGD (Daskalakis et al. 2018), which descend by twice their step less the step before. SGD's is the
optimistic gradient descent-ascent of min-max games (OGDA) and takes no momentum.
`beta1` is Adam's and Lion's first decay and SGD's momentum, `beta2` their second decay and RMSProp's smoothing. AdamW
and Lion shrink the weights by `lr * decay` of themselves before each update.
A replica that is not `alive` keeps its weights bit for bit, whatever its gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from trainables import native

EPSILON = 1e-8


@dataclass
class Optimizer:
    """State of one optimiser over a population; `rule` is a name of `OPTIMIZERS`.

    `lr`, `beta1`, `beta2` are (R, 1), `decay` too or None where no weight decays; schedules change `lr` in place, and
    `beta2` if it `moves`. `first` and `second` are moments (R, P), `before` is the last step per unit of learning rate
    (R, P; empty where the rule does not use it), `count` () the updates made so far, on the device so that no step of
    training depends on a number of Python's.
    """

    rule: str
    lr: Tensor
    beta1: Tensor
    beta2: Tensor
    first: Tensor
    second: Tensor
    before: Tensor
    count: Tensor
    decay: Tensor | None = None
    moves: bool = False

    @classmethod
    def zero(
        cls, rule: str, weights: Tensor, lr: Tensor, beta1: Tensor, beta2: Tensor, decay: Tensor | None = None,
        moves: bool = False,
    ) -> Optimizer:  # fmt: skip
        """An optimiser of `weights` (R, P) before its first update; hyperparameters are (R,)."""
        before = torch.zeros_like(weights) if rule in OPTIMISTIC else weights.new_zeros(0)
        decay = None if decay is None else decay.to(weights)[:, None]
        first, second = torch.zeros_like(weights), torch.zeros_like(weights)
        lr, beta1, beta2 = (x.to(weights)[:, None] for x in (lr, beta1, beta2))
        count = torch.zeros((), dtype=torch.int64, device=weights.device)
        return cls(rule, lr, beta1, beta2, first, second, before, count, decay, moves)

    def update(self, weights: Tensor, gradient: Tensor, alive: Tensor, bound: float = math.inf) -> None:
        """Update `weights` (R, P) in place along `gradient` (R, P), replicas in `alive` (R,) bool only, and clear
        `alive` where the weights then exceed `bound`."""
        self.count += 1
        if self.decay is not None:
            weights.mul_((1 - self.lr * self.decay).where(alive[:, None], self._nothing + 1))
        if self.rule in ("adam", "adamw") and native.usable(weights, gradient, self.first, self.second):
            native.adam_update(
                weights, gradient, self.first, self.second, self.lr, self.beta1, self.beta2, self.count, EPSILON, bound,
                alive,
            )  # fmt: skip
            return
        if self.moves:
            self._decays[1].copy_(self.beta2)
            self.news[1].copy_(1 - self.beta2)
        gradient = gradient.where(alive[:, None], self._nothing)  # a NaN would survive the learning rate of 0
        OPTIMIZERS[self.rule](self, weights, gradient, self.lr.where(alive[:, None], self._nothing))
        alive &= weights.abs().amax(1) <= bound

    def foresee(self, weights: Tensor, gradient: Tensor) -> tuple[Tensor, Optimizer]:
        """The weights (R, P) after an update of all replicas, differentiable by weights and gradient, and the optimiser
        that goes on from there, whose own foresight is differentiable, too. Neither `weights` nor this one changes."""
        later = copy(self)
        for name in ("first", "second", "before", "count"):
            setattr(later, name, getattr(self, name).clone())
        if self.moves:  # made anew, as the graph of the updates before it holds those of this one
            later.__dict__.pop("news", None)
            later.__dict__.pop("_decays", None)
        later.count += 1
        after = weights.clone() if self.decay is None else weights * (1 - self.lr * self.decay)
        OPTIMIZERS[self.rule](later, after, gradient, self.lr)
        return after, later

    # What follows from hyperparameters is kept: on a GPU a small tensor that is made costs as much as a large one.

    @cached_property
    def _nothing(self) -> Tensor:
        return self.lr.new_zeros(())

    @cached_property
    def _decays(self) -> Tensor:
        """Both betas (2, R, 1) in double precision."""
        return torch.stack([self.beta1, self.beta2]).double()

    @cached_property
    def news(self) -> tuple[Tensor, Tensor]:
        """How much of a new value enters the moments: 1 - beta (R, 1) of each."""
        return 1 - self.beta1, 1 - self.beta2

    @property
    def corrections(self) -> Tensor:
        """The sums (2, R, 1) of the weights of all values in either moment, 1 - beta^count."""
        # In double precision: the difference of two numbers near 1 has few digits.
        sums: Tensor = (1 - self._decays**self.count).to(self.beta1)
        return sums

    @property
    def state(self) -> list[Tensor]:
        """What an update changes besides the weights, in place."""
        return [self.first, self.second, self.before, self.count]

    def state_dict(self) -> dict[str, Any]:
        """Moments and count."""
        return {"first": self.first, "second": self.second, "before": self.before, "count": int(self.count)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from a state of the same rule and shape."""
        self.first.copy_(state["first"])
        self.second.copy_(state["second"])
        self.before.copy_(state["before"])
        self.count.fill_(int(state["count"]))


def _adam(state: Optimizer, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
    weights.sub_(_adam_step(state, gradient, lr))


def _lion(state: Optimizer, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
    new1, new2 = state.news
    weights.sub_(state.first.lerp(gradient, new1).sign_().mul_(lr))
    state.first.lerp_(gradient, new2)


def _optimistic_adam(state: Optimizer, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
    step = _adam_step(state, gradient, torch.ones_like(lr))
    weights.sub_((2 * step - state.before) * lr)
    state.before.copy_(step)


def _adam_step(state: Optimizer, gradient: Tensor, lr: Tensor) -> Tensor:
    new1, new2 = state.news
    state.first.lerp_(gradient, new1)
    state.second.mul_(state.beta2).addcmul_(gradient, gradient * new2)
    correction1, correction2 = state.corrections.unbind()
    return (state.first * (lr / correction1)).div_(_root(state.second / correction2))


def _root(square: Tensor) -> Tensor:
    """The root of a second moment, away from 0; where that is 0 its slope is 0, not infinite."""
    if square.requires_grad:
        square = square.clamp_min(torch.finfo(square.dtype).tiny)
    return square.sqrt() + EPSILON


def _rmsprop(state: Optimizer, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
    state.second.mul_(state.beta2).addcmul_(gradient, gradient * state.news[1])
    weights.sub_((gradient * lr).div_(_root(state.second)))


def _sgd(state: Optimizer, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
    state.first.mul_(state.beta1).add_(gradient)
    weights.sub_(state.first * lr)


def _nesterov(state: Optimizer, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
    state.first.mul_(state.beta1).add_(gradient)
    weights.sub_((state.first * state.beta1).add_(gradient).mul_(lr))


def _optimistic_sgd(state: Optimizer, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
    weights.sub_((2 * gradient - state.before) * lr)
    state.before.copy_(gradient)


OPTIMIZERS: dict[str, Callable[[Optimizer, Tensor, Tensor, Tensor], None]] = {
    "adam": _adam,
    "adamw": _adam,
    "lion": _lion,
    "optimistic_adam": _optimistic_adam,
    "rmsprop": _rmsprop,
    "sgd": _sgd,
    "nesterov": _nesterov,
    "optimistic_sgd": _optimistic_sgd,
}
OPTIMISTIC = ("optimistic_adam", "optimistic_sgd")
DECAYING = ("adamw", "lion")
READ_BY = {  # hyperparameters that some rules do without
    "beta1": ("adam", "adamw", "lion", "optimistic_adam", "sgd", "nesterov"),
    "beta2": ("adam", "adamw", "lion", "optimistic_adam", "rmsprop"),
}
