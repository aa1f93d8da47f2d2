"""Look-ahead: slow weights of both players, which now and then go a part of the way to those that train.

    φ' = φ + α (w - φ),    w' = φ'    after every k-th step, of both players at once,

with the slow weights φ, which start as the weights w, k steps and the share α (Chavdarova et al. 2021, Lookahead-
Minmax, algorithm 1, after Zhang et al. 2019). Optimisers keep their moments. In a game that rotates the chord from an
old place to a new one passes nearer to the centre than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LookAhead:
    """Slow weights (R, P) of each player, and the steps taken (), both changed in place; `alpha` is (R, 1)."""

    every: int
    alpha: Tensor
    slow: Sequence[Tensor]
    taken: Tensor

    @classmethod
    def start(cls, every: int, alpha: Tensor, weights: Sequence[Tensor]) -> LookAhead:
        """Of weights (R, P) before their first step, with shares (R,)."""
        taken = torch.zeros((), dtype=torch.int64, device=alpha.device)
        return cls(every, alpha[:, None].to(weights[0]), [one.clone() for one in weights], taken)

    @property
    def state(self) -> list[Tensor]:
        """What a step changes besides the weights."""
        return [*self.slow, self.taken]

    def pull(self, weights: Sequence[Tensor], alive: Tensor) -> None:
        """Count a step, and move both in place where it is their turn: of replicas in `alive` (R,) alone."""
        self.taken.add_(1)
        turn = (self.taken % self.every == 0) & alive[:, None]
        for slow, fast in zip(self.slow, weights, strict=True):
            met = torch.lerp(slow, fast, self.alpha)
            slow.copy_(met.where(turn, slow))
            fast.copy_(met.where(turn, fast))
