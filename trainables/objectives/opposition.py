"""Whether a pair sets its players against each other: whether any critic gains by telling p from q.

With r = p/q at a point the critic's best value there is phi(r) = max_d [r f(d) + g(d)] <= r max f + max g. Where one d
is the highest of both f and g, the two are equal for every r: phi is linear in r, sup F = max f + max g whatever p and
q are, and the critic that gives this d to everything is the best there is. Conversely, phi is linear for all r only
where f and g are highest at the same d, or towards the same end. So no pair with f = a g + b, a > 0, and none with a
constant f or g has a game. Where phi is infinite at r = 1, as with f = g = d, critics of bounded outputs are asked
instead, those of `BOUNDS`: a pair that opposes its players there, as f = exp(d) and g = -d, may have a game where
weights are clipped.

With pairs of samples and T = C(x) - C(y) the critic gains nothing where f(T) + g(-T) is highest at T = 0. On the other
side's mean it gains nothing where f and g lie below tangents of the same slope s at 0, as then E f <= f(0) + s (E_p C -
E_q C) and E g <= g(0) + s (E_q C - E_p C).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from trainables.objectives.optimum import derivatives, optimum
from trainables.objectives.pairing import GRID, ROUNDING
from trainables.objectives.table import Game

RATIOS = (1e-4, 0.1, 1.0, 10.0, 1e4)
BOUNDS = (1.0, 10.0, 50.0)
SAME = 1e-6  # relative distance between places that are one


def require(game: Game, pairing: str = "independent") -> None:
    """Refuse a pair with which no critic gains by telling p from q. Raises `ValueError` that says why."""
    if (why := unopposed(game, pairing)) is not None:
        raise ValueError(
            f"objective: expected f and g that set critic and generator against each other, got a pair that induces no"
            f" divergence: {why}, so that no critic gains by telling p from q; f is to rise with d where g falls, as in"
            ' f = "-softplus(-d)" and g = "-softplus(d)"'
        )


def unopposed(game: Game, pairing: str = "independent") -> str | None:
    """Why no critic gains by telling p from q, in words; None where some does."""
    if pairing == "independent":
        return _same_place(game)
    zero = torch.zeros(1, dtype=torch.float64)
    f, g = game.of_outputs
    slopes = [derivatives(part, zero)[0] for part in (f, g)]
    if (slopes[0] - slopes[1]).abs() > ROUNDING * (1 + slopes[0].abs()):
        return None  # a small critic gains where its means differ
    if pairing == "relativistic":
        highest = _below(f(GRID) + g(-GRID), f(zero) + g(zero))
        return "f(T) + g(-T) is highest at T = 0, where all outputs are the same" if highest else None
    tangents = [part(zero) + slope * GRID for part, slope in zip((f, g), slopes, strict=True)]
    below = _below(f(GRID), tangents[0]) and _below(g(GRID), tangents[1])
    return "f and g lie below tangents of the same slope at 0" if below else None


def opposite_lines(game: Game) -> bool:
    """Whether f and g are lines of the critic network's output with slopes c and -c. F = c (E_p C - E_q C) then has no
    bound unless the critic's slope has one, with which it is an integral probability metric."""
    f1, g1 = (derivatives(part, GRID)[0] for part in game.of_outputs)
    return bool(f1[0] != 0 and max((f1 - f1[0]).abs().max(), (f1 + g1).abs().max()) <= ROUNDING * f1[0].abs())


def boundless(game: Game) -> bool:
    """Whether phi(1), which constant critics reach, is infinite."""
    return bool(np.isposinf(optimum(game, [1.0]).value[0]))


def _below(values: Tensor, bounds: Tensor) -> bool:
    return bool((values - bounds <= ROUNDING * (1 + values.abs())).all())


def _same_place(game: Game) -> str | None:
    """Why r f + g is highest at one d for every r."""
    best = optimum(game, RATIOS)
    if not np.isfinite(best.value).all():
        return _same_end(game) if np.isinf(best.value).all() else None
    places = best.place
    if np.isnan(places).all():
        return "f and g are constant"
    same = np.isinf(places).all() and len(set(places)) == 1
    if not same and not (np.isfinite(places).all() and np.ptp(places) <= SAME * (1 + np.abs(places).max())):
        return None
    return f"f and g are both highest {_at(float(places[0]))}"


def _same_end(game: Game) -> str | None:
    """Why one d of bounded ones is the highest of both f and g, whatever the bound."""
    places = []
    for bound in BOUNDS:
        d = game.link(torch.linspace(-bound, bound, 2001, dtype=torch.float64))
        highest = [part(d) >= part(d).max() for part in (game.f, game.g)]
        common = d[highest[0] & highest[1]]
        if not len(common):
            return None
        places.append(float(common[0]))
    rises = places[-1] > places[0]
    return f"f and g both grow without end {_at(float('inf') if rises else float('-inf'))}"


def _at(place: float) -> str:
    if np.isinf(place):
        return "as d grows" if place > 0 else "as d falls"
    return f"at d = {place + 0.0:.4g}"
