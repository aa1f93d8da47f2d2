"""The critic's optimum d*(r) = argmax_d [r f(d) + g(d)] and its value phi(r), from the two functions alone.

d is scanned from -1e30 to 1e30 on a scale that is linear near 0 and logarithmic far away; then the derivative is
bisected around the best place, in float64. An optimum at infinity, a flat one, one at the edge of the functions'
domain, a missing one, and one that may lie farther out than is scanned are distinguished. Heights that rounding makes
flat to infinity have their optimum where the derivative, which is not rounded so, changes its sign. Of several separate
optima of equal height the lowest d is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

from trainables.objectives.table import Game

Array = NDArray[np.float64]
Function = Callable[[Tensor], Tensor]

REACH = 1e30  # the largest |d| scanned
SCAN = 6000  # points scanned on each side of 0
HALVINGS = 120
NUDGE = 1e-13  # relative change of d that must not change f or g noticeably
TIE = 1e-12  # relative difference of heights that counts as none
BESIDE = (0.01, 0.03, 0.1)  # relative distances from an optimum at which the derivative must have its sign
SETTLED = 1e-11  # difference of powers that counts as none
GROWTH = 1e-6  # d times slope, relative to the height, above which the height still grows at REACH


@dataclass(frozen=True)
class Optimum:
    """The critic's optimum at each ratio: place (d*), value (phi), and whether it is finite and unique.

    `place` is NaN where all d are equally good, infinite where the supremum is approached at infinity, or where `value`
    itself is infinite. Both are NaN where the height still rises at `REACH`, but ever less steeply, so that its
    supremum may be finite and lie beyond.
    """

    place: Array
    value: Array
    finite: NDArray[np.bool_]
    unique: NDArray[np.bool_]

    def split(self, sizes: Sequence[int]) -> Iterator[Optimum]:
        """The optima of consecutive groups of ratios, of these sizes."""
        parts = (np.split(part, np.cumsum(sizes)[:-1]) for part in astuple(self))
        return (Optimum(*pieces) for pieces in zip(*parts, strict=True))


def optimum(game: Game, ratios: ArrayLike) -> Optimum:
    """Maximise r f(d) + g(d) over d for every r.

    Where the objective restricts d by a link, the link's argument is scanned. A d at which f or g is NaN or -inf is
    outside the domain.
    """
    r = torch.as_tensor(ratios, dtype=torch.float64)
    heights = _Heights(game, r / (1 + r), 1 / (1 + r))
    places = _scanned()
    found = heights.everywhere(places)
    top, summit = found.max(1)
    enough = torch.where(top.isinf(), top, top - TIE * top.abs().clamp(min=1.0))
    first, last, lone = _plateau(found >= enough[:, None])
    low, high = places[(first - 1).clamp(min=0)], places[(last + 1).clamp(max=len(places) - 1)]
    left, right = (_bisect(heights.climbs(places[summit], strictly), low, high) for strictly in (True, False))
    # A plateau that reaches to infinity, as relu's does, has a finite end; what only nears its supremum has none.
    at_start, at_end = first == 0, last == len(places) - 1
    flat = at_start & at_end
    falling, rising = heights.slope(places[last]) != 0, heights.slope(places[first]) != 0
    middle = torch.where(at_start, right, torch.where(at_end, left, (left + right) / 2))
    inside = (at_start ^ at_end) & heights.turn(middle)
    away = ~flat & ~inside & ((at_start & falling) | (at_end & rising))
    middle = torch.where(heights(middle).isfinite(), middle, places[summit])  # not just beyond the domain's edge
    place = torch.where(away, torch.where(at_start, low, high), middle)
    growing = (away | flat) & ((heights.slope(place) * place).abs() > GROWTH * (1 + top.abs()))
    beyond = growing & ~heights.endless(place)
    limit = game.link(torch.copysign(torch.full_like(place, torch.inf), place))
    return Optimum(
        place=torch.where(away, limit, game.link(place)).masked_fill(flat | beyond, torch.nan).numpy(),
        value=(torch.maximum(heights(place), top) * (1 + r))
        .masked_fill(growing, torch.inf)
        .masked_fill(beyond, torch.nan)
        .numpy(),
        finite=(~flat & (~away | (limit.isfinite() & ~growing))).numpy(),
        unique=(lone & ~flat & (away | inside | (right - left <= 1e-9 * (1 + place.abs())))).numpy(),
    )


@dataclass(frozen=True)
class _Heights:
    """(r f + g)/(1 + r) of the link's argument: of order 1 for any r, so that one tolerance suits all."""

    game: Game
    share: Tensor
    rest: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Heights (R,) at a place for each r; -inf outside the domain."""
        return _defined(self._weigh(x))

    def everywhere(self, places: Tensor) -> Tensor:
        """Heights (R, N) at the same places (N,) for each r."""
        d = self.game.link(places)
        f, g = self.game.f(d), self.game.g(d)
        heights = _defined(self.share[:, None] * f + self.rest[:, None] * g)
        return heights.masked_fill(_outwards(_noisy(self.game.f, d, f) | _noisy(self.game.g, d, g)), -torch.inf)

    def slope(self, x: Tensor) -> Tensor:
        """Derivatives (R,) at a place for each r."""
        return derivatives(self._weigh, x)[0]

    def turn(self, x: Tensor) -> Tensor:
        """Whether the height rises before a place (R,) and falls behind it, however little."""
        steps = [relative * (1 + x.abs()) for relative in BESIDE]
        sides = [(self.slope(x - step) > 0) & (self.slope(x + step) < 0) for step in steps]
        return torch.stack(sides).all(0)

    def endless(self, x: Tensor) -> Tensor:
        """Whether the height rises without end towards a far place (R,): its slope does not fall, or falls like a power
        of x no steeper than 1/x and no steeper than before. One that is on its way to 0 falls ever more steeply."""
        far = x.abs()
        slopes = [self.slope(torch.copysign(far**part, x)).abs() for part in (1 / 3, 2 / 3, 1.0)]
        decades = far.log10() / 3
        before, now = ((later / sooner).log10() / decades for sooner, later in pairwise(slopes))
        return (now >= 0) | ((now >= -1 - SETTLED) & (now >= before - SETTLED))

    def climbs(self, summit: Tensor, strictly: bool) -> Callable[[Tensor], Tensor]:
        """Whether the height rises at a place; outside the domain, whether the summit lies to the right."""

        def rises(x: Tensor) -> Tensor:
            slope = self.slope(x)
            inside = self(x).isfinite() & ~slope.isnan()
            return torch.where(inside, slope > 0 if strictly else slope >= 0, x < summit)

        return rises

    def _weigh(self, x: Tensor) -> Tensor:
        d = self.game.link(x)
        return self.share * self.game.f(d) + self.rest * self.game.g(d)


def _defined(heights: Tensor) -> Tensor:
    return heights.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)


def _noisy(function: Function, d: Tensor, value: Tensor) -> Tensor:
    """Where a function's value is rounding error: it jumps with d's last digits, as e^d + 1 - e^d does at d = 40."""
    return (function(d * (1 + NUDGE)) - value).abs() > 1e-6 * (1 + value.abs())


def _outwards(mask: Tensor) -> Tensor:
    """True (N,) from the True nearest the middle to the end, on both sides."""
    below, above = mask[: SCAN + 1].flip(0), mask[SCAN:]
    return torch.cat([below.cumsum(0).flip(0)[:-1], above.cumsum(0)]) > 0


def _scanned() -> Tensor:
    """The points (2 SCAN + 1,) scanned, symmetric about 0."""
    side = torch.sinh(torch.linspace(0, 1, SCAN + 1, dtype=torch.float64) * float(np.arcsinh(REACH)))
    return torch.cat([-side[1:].flip(0), side])


def _plateau(ties: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """First and last index (R,) of the first run of True in every row (R, N), and whether it is the only run."""
    edges = functional.pad(ties.to(torch.int8), (1, 1)).diff(dim=1)
    return (edges == 1).int().argmax(1), (edges == -1).int().argmax(1) - 1, (edges == 1).sum(1) == 1


def _bisect(climbs: Callable[[Tensor], Tensor], low: Tensor, high: Tensor) -> Tensor:
    """The place between `low` and `high` (N,) where a condition true on the left turns false."""
    for _ in range(HALVINGS):
        wide = high - low > 1 + low.abs().minimum(high.abs())
        middle = torch.where(wide, ((low.asinh() + high.asinh()) / 2).sinh(), low + (high - low) / 2)
        on = climbs(middle)
        low, high = torch.where(on, middle, low), torch.where(on, high, middle)
    return low + (high - low) / 2


def derivatives(function: Function, d: Tensor, order: int = 1) -> list[Tensor]:
    """The first derivatives up to `order` of a function of one variable, each at every place; 0 for a constant."""
    x = d.detach().clone().requires_grad_()
    value = function(x)
    found = []
    for level in range(order):
        if not value.requires_grad:
            found.append(torch.zeros_like(x))
            continue
        (value,) = torch.autograd.grad(value.sum(), x, create_graph=level + 1 < order, materialize_grads=True)
        found.append(value.detach())
    return found
