"""The divergence that a pair (f, g) induces and the step of its generator, computed without training.

With r = p/q the critic that maximises E_p f(d) + E_q g(d) is, pointwise,

    d*(r) = argmax_d [r f(d) + g(d)],    phi(r) = max_d [r f(d) + g(d)],    sup F = E_q phi(r),

so phi is a supremum of functions linear in r, hence convex; it is a divergence (up to a constant) where it is finite
and not linear at r = 1. A step of the generator's loss l against d* descends the divergence with second derivative
-l'(d*) d*'(r) / r, that is, it descends one where l(d*(r)) falls with r (Nowozin et al. 2016; Poole et al. 2016).
Everything here is computed from the functions f, g and l only.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from trainables.objectives import table as objectives
from trainables.objectives.finite import overflows
from trainables.objectives.known_divergences import COMPARED, FIT, same_divergence, same_step
from trainables.objectives.opposition import opposite_lines
from trainables.objectives.optimum import REACH, Optimum, derivatives, optimum
from trainables.objectives.table import Function, Game, Objective, written

Array = NDArray[np.float64]
AnyObjective = str | Mapping[str, Any] | Objective | Game  # a name, a configuration's mapping, a row, or resolved
FAR = 700.0  # replaces an infinite d where a derivative is taken
BENDS = 1e-11  # of f and g: more is not rounding
CHANGING = 0.01  # of a slope, from FAR to twice as far: more, and it has no finite limit but 0
LAST_DIGITS = (1, 16)  # units in d's last place: a slope that is CHANGING from one to the other follows from no such d

DEFAULT_RATIOS = np.logspace(-4, 4, 161)
NEAR_ONE = np.array([0.5, 0.99, 1.0, 1.01, 2.0])
WINNING = np.array([1e-8, 0.5])  # a ratio at which the critic separates almost perfectly, and one at which not


@dataclass(frozen=True)
class Explanation:
    """Critic, divergence and generator step of an objective over a range of density ratios r.

    Arrays have the shape of `ratios`. `optimal_critic` may be infinite, or so far out that the slopes of f and g cannot
    be held there, and is NaN where all d are equally good or none is best; `divergence` is phi(r), infinite where the
    objective is unbounded, and NaN, as d* is then, where the best d may be farther from 0 than was sought;
    `critic_curvature` is phi''(r) and `generator_curvature` that of the divergence which the generator's step descends,
    both 0 where all curvature sits in a kink, NaN where there is no optimum or rounding hides the bend, as where d* is
    closer to the edge of a domain than float64 tells. `generator_slope` is l'(d*(r)), or its limit where d* is
    infinite: small at small r means that the generator learns nothing from a critic that separates well. `log_ratio` is
    log r recovered from d* as log(-g'/f'); NaN where that is impossible. Where `matches` names a known divergence D,
    sup F = scale * D + shift; `generator_matches` names the one that the generator's step descends. Both are judged on
    r from 0.01 to 100 whatever `ratios` are. `is_divergence`, like `strict`, says that phi was found finite next to r =
    1 and not linear there; `limits` says at which r it is infinite, or was not found. The step descends a divergence
    where l(d*(r)) falls with r, jumps included; `ascends_at` holds the ratios at which, or between which, it rises.
    `saturates` is None where no critic that wins was told. `overflows` says from which d on float32 cannot hold f, g or
    l.
    """

    name: str
    f: str
    g: str
    generator: str
    ratios: Array
    optimal_critic: Array
    divergence: Array
    critic_curvature: Array
    generator_curvature: Array
    generator_slope: Array
    log_ratio: Array
    value_at_equality: float
    finite: bool
    unique: bool
    is_divergence: bool
    strict: bool
    limits: str
    generator_descends: bool
    ascends_at: tuple[float, ...]
    saturates: bool | None
    matches: str | None
    scale: float | None
    shift: float | None
    generator_matches: str | None
    dirac_eigenvalues: tuple[complex, complex]
    overflows: tuple[str, ...]
    sentence: str

    @property
    def estimate(self) -> str | None:
        """sup F in words, such as `2 x jensen_shannon - 1.386`; None where it has no common name."""
        return _estimate(self.matches, self.scale, self.shift)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: arrays as lists, non-finite numbers as text, eigenvalues as [real, imaginary]."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def explain(
    objective: AnyObjective, ratios: ArrayLike = DEFAULT_RATIOS, generator_loss: str = "default"
) -> Explanation:
    """Explain an objective, given in any of the ways that `resolved` takes, at positive density ratios.

    Raises `ValueError` for ratios that are not positive and finite, and what `objectives.resolve` raises.
    """
    r = np.atleast_1d(np.asarray(ratios, dtype=np.float64))
    if r.ndim != 1 or not np.all(np.isfinite(r) & (r > 0)):
        raise ValueError("ratios: expected positive finite numbers")
    game = resolved(objective, generator_loss)
    parts_of_r = (r, COMPARED, NEAR_ONE, WINNING)  # solved at once: the optimiser works on arrays
    best, compared, near, winning = optimum(game, np.concatenate(parts_of_r)).split([len(part) for part in parts_of_r])
    slopes = _slopes(game, best, r)
    strict = _strict(game, near)
    at_one = float(near.value[2])
    whole = bool(np.isfinite(compared.value).all() and np.isfinite(at_one))
    known = same_divergence(compared.value, at_one) if whole else None
    rising = _rising(game, best, r, slopes["generator_curvature"])
    parts: dict[str, Any] = {
        "name": game.objective.name,
        "f": written(game.objective.f),
        "g": written(game.objective.g),
        "generator": game.loss_name,
        "ratios": r,
        "optimal_critic": best.place,
        "divergence": best.value,
        **slopes,
        "value_at_equality": at_one,
        "finite": bool(best.finite.all()),
        "unique": bool(best.unique.all()),
        "is_divergence": strict,
        "strict": strict,
        "limits": _limits(np.concatenate([r, COMPARED]), np.concatenate([best.value, compared.value])),
        "generator_descends": _beside_one(near) and not rising and _moving(game, compared),
        "ascends_at": rising,
        "saturates": _saturates(game, winning),
        "matches": known[0] if known else None,
        "scale": known[1] if known else None,
        "shift": at_one if known else None,
        "generator_matches": same_step(_losses(game, compared)) if whole else None,
        "dirac_eigenvalues": dirac_eigenvalues(game),
        "overflows": overflows(game),
    }
    said = _sentence(parts) if _beside_one(near) else _without_value(game, near)
    return Explanation(**parts, sentence=f"{game.objective.name}: {said}.")


def resolved(objective: AnyObjective, generator_loss: str = "default") -> Game:
    """An objective by name, by a configuration's mapping, as a row of one's own, or resolved already.

    Raises what `objectives.resolve` raises.
    """
    if isinstance(objective, Game):
        return objective
    return objectives.resolve({"name": objective} if isinstance(objective, str) else objective, generator_loss)


def _slopes(game: Game, best: Optimum, ratios: Array) -> dict[str, Array]:
    """Curvatures, the generator's slope and the ratio read back, at the optimum."""
    r = torch.as_tensor(ratios)
    d = _reachable(best.place)
    (f1, f2), (g1, g2), loss1 = derivatives(game.f, d, 2), derivatives(game.g, d, 2), _loss_slopes(game, d, r)
    bend = r * f2 + g2
    stationary = (r * f1 + g1).abs() <= 1e-6 * (r * f1).abs() + (bend * _last_digits(d, LAST_DIGITS[0])).abs()
    smooth = torch.as_tensor(best.place).isfinite() & stationary & f1.isfinite() & bend.isfinite() & (bend != 0)
    unsettled = _unsettled(game.f, d) | _unsettled(game.g, d)
    hidden = unsettled | (smooth & (bend > 0)) | _past_slopes(game, best.place, r)  # no maximum bends up
    moving = torch.where(smooth, -f1 / bend, 0.0).masked_fill(hidden, torch.nan)
    nowhere, unknown = (torch.as_tensor(part).isnan() for part in (best.place, best.value))
    return {
        "critic_curvature": (f1 * moving).masked_fill(nowhere, torch.nan).numpy(),
        "generator_curvature": (-loss1 * moving / r).masked_fill(nowhere, torch.nan).numpy(),
        "generator_slope": _at_its_limit(game, best.place, loss1).masked_fill(unknown, torch.nan).numpy(),
        "log_ratio": torch.where(smooth & ~unsettled, (-g1 / f1).log(), torch.nan).numpy(),
    }


def _last_digits(d: Tensor, units: int) -> Tensor:
    """So many units in the last place of each d (R,)."""
    return units * torch.finfo(d.dtype).eps * d.abs()


def _unsettled(function: Function, d: Tensor) -> Tensor:
    """Where a slope changes with the last digits of d (R,) on either side, as next to the edge of a domain that an
    optimum is closer to than float64 tells. Beside a kink it does not."""
    changing = torch.zeros_like(d, dtype=torch.bool)
    for side in (-1, 1):
        near, far = (derivatives(function, d + side * _last_digits(d, units))[0] for units in LAST_DIGITS)
        changing |= (far - near).abs() > CHANGING * torch.maximum(near.abs(), far.abs())
    return changing


def _past_slopes(game: Game, place: Array, ratios: Tensor) -> Tensor:
    """Where an infinite optimum (R,) may be a finite one past which the slopes of f and g are too small to be held: on
    the way there -r f'/g' comes closer to 1, which it is at an optimum."""
    d = _reachable(place)
    apart = [
        (-ratios * derivatives(game.f, part * d)[0] / derivatives(game.g, part * d)[0]).log().abs()
        for part in (0.5, 1.0)
    ]
    return torch.as_tensor(place).isinf() & (apart[1] < (1 - CHANGING) * apart[0])


def _loss_slopes(game: Game, d: Tensor, ratios: Tensor) -> Tensor:
    """The slopes l'(d*) (R,) at optima of these ratios; NaN where d* is not told closely enough. Those of l = g are
    -r f'(d*) there, since r f' + g' is 0."""
    (slope,), hidden = derivatives(game.loss, d), _unsettled(game.loss, d)
    if game.loss is not game.g:
        return slope.masked_fill(hidden, torch.nan)
    (real,) = derivatives(game.f, d)
    return torch.where(hidden, (-ratios * real).masked_fill(_unsettled(game.f, d), torch.nan), slope)


def _at_its_limit(game: Game, place: Array, slope: Tensor) -> Tensor:
    """The loss's slopes (R,) at a large number in place of an infinite optimum; infinite where they still grow there,
    and 0 where they still fade."""
    far = torch.as_tensor(place).isinf() & slope.isfinite() & (slope != 0)
    (further,) = derivatives(game.loss, 2 * _reachable(place))
    growth = (further / slope).abs()
    settled = torch.where(growth > 1 + CHANGING, torch.copysign(torch.full_like(slope, torch.inf), slope), slope)
    return torch.where(far, torch.where(growth < 1 - CHANGING, 0.0, settled), slope)


def _reachable(place: Array) -> Tensor:
    """Optima with a large number in place of an infinite one, where derivatives are asked for."""
    return torch.as_tensor(place).nan_to_num(nan=0.0, posinf=FAR, neginf=-FAR)


def _beside_one(near: Optimum) -> bool:
    """Whether phi, given at NEAR_ONE, was found finite at r = 1 and next to it."""
    return bool(np.isfinite(near.value[1:4]).all())


def _strict(game: Game, near: Optimum) -> bool:
    """Whether phi, given at NEAR_ONE, bends at r = 1 by more than rounding of what it is the sum of."""
    if not _beside_one(near):
        return False
    _, below, here, above, _ = near.value
    d = _reachable(near.place[1:4])
    size = float((game.f(d).abs() + game.g(d).abs()).max())
    return bool(below + above - 2 * here > BENDS * size)


def _limits(ratios: Array, value: Array) -> str:
    """Where phi is infinite, and where it was not found."""
    found = []
    still = f", as the critic still gains at |d| = {REACH:g}"
    for what, at, why in (("infinite", np.isposinf(value), ""), ("not found", np.isnan(value), still)):
        below, above = ratios[at & (ratios < 1)], ratios[at & (ratios >= 1)]
        ends = [f"r <= {below.max():.3g}"] if len(below) else []
        ends += [f"r >= {above.min():.3g}"] if len(above) else []
        found += [f"{what} for {' and '.join(ends)}{why}"] if ends else []
    return " and ".join(found)


def _losses(game: Game, best: Optimum) -> Array:
    """l(d*), NaN where there is no optimum."""
    nowhere = torch.as_tensor(best.place).isnan()
    return game.loss(_reachable(best.place)).masked_fill(nowhere, torch.nan).numpy()


def _rising(game: Game, best: Optimum, ratios: Array, curvature: Array) -> tuple[float, ...]:
    """Ratios where the generator's step climbs: its curvature is negative, or l(d*) rises to the next ratio."""
    loss = _losses(game, best)
    order = np.argsort(ratios)
    order = order[np.isfinite(loss[order])]
    step = np.diff(loss[order]) > 1e-9 * np.abs(loss[order][1:])
    climbs = curvature < 0
    climbs[order[:-1][step]] = True
    climbs[order[1:][step]] = True
    return tuple(float(x) for x in ratios[climbs])


def _moving(game: Game, best: Optimum) -> bool:
    """Whether the generator's step changes a divergence: whether l(d*) depends on r, if by less than rounding."""
    loss, known = _losses(game, best), np.isfinite(best.place)
    told = loss[np.isfinite(loss)]
    if told.size and np.ptp(told) > 1e-12 * np.abs(told).max():
        return True
    (slope,) = derivatives(game.loss, torch.as_tensor(best.place[known]))
    return bool(known.any() and np.ptp(best.place[known]) > 0 and slope.any())


def _saturates(game: Game, best: Optimum) -> bool | None:
    """Whether the generator's slope, given d* at WINNING, vanishes as the critic separates; None where no d* was
    told."""
    if np.isnan(best.value).any():
        return None
    winning, even = _loss_slopes(game, _reachable(best.place), torch.as_tensor(WINNING)).abs().tolist()
    if math.isnan(winning + even):
        return None
    return bool(winning < 1e-3 * even or winning < 1e-12)


def dirac_eigenvalues(game: Game) -> tuple[complex, complex]:
    """Eigenvalues of the Dirac-GAN's flow at its equilibrium, +-sqrt(-g'(0) l'(0)) (Mescheder et al. 2018)."""
    zero = torch.zeros(1, dtype=torch.float64)
    product = float(derivatives(game.g, zero)[0] * derivatives(game.loss, zero)[0])
    root = cmath.sqrt(-product)
    return root, -root


def _sentence(parts: Mapping[str, Any]) -> str:
    """On a divergence that is finite near p = q, the generator's step and vanishing gradients."""
    estimate = _estimate(parts["matches"], parts["scale"], parts["shift"]) or "a divergence without a common name"
    limits = parts["limits"]
    induced = f"the critic estimates {f'a divergence, {limits}' if limits else estimate}"
    if not parts["is_divergence"]:
        induced = "phi is linear at r = 1, so the critic cannot tell nearby distributions apart and F is no divergence"
    if parts["generator_descends"]:
        same = "a divergence" if limits else "another divergence"
        same = "the same" if parts["generator"] == "saturating" else same
        step = f"the {parts['generator']} generator descends {parts['generator_matches'] or same}"
    elif parts["ascends_at"]:
        low, high = min(parts["ascends_at"]), max(parts["ascends_at"])
        step = f"the generator's step descends no divergence: it climbs for r from {low:.3g} to {high:.3g}"
    else:
        step = "the generator's step moves no divergence"
    fate = {True: "; its gradient fades as the critic wins", False: "; its gradient stays as the critic wins", None: ""}
    return f"{induced}; {step}{fate[parts['saturates']]}"


def _without_value(game: Game, near: Optimum) -> str:
    """What can be said of a pair of which phi, given at NEAR_ONE, is not known to be finite near r = 1."""
    if np.isposinf(near.value[2]):  # constant critics reach phi(1)
        return (
            "unbounded even where p = q, by constant critics, so no divergence, and no Lipschitz constraint helps; the"
            " critic maximises, so that losses, which are minimised, are given as their negatives"
        )
    if not np.isposinf(near.value[1:4]).any():
        return f"no best critic was found near p = q with |d| up to {REACH:g}, so that what it estimates is not known"
    constrained = (
        "with a Lipschitz critic it is an integral probability metric, and it needs clipping, a gradient penalty or "
        "spectral normalisation"
        if opposite_lines(game)
        else "nor, with a Lipschitz critic, an integral probability metric, as that takes f = -g linear in d"
    )
    return f"unbounded without a constraint on the critic, so no f-divergence; {constrained}"


def _estimate(name: str | None, scale: float | None, shift: float | None) -> str | None:
    if name is None or scale is None or shift is None:
        return None
    scaled = name if abs(scale - 1) < FIT else f"{scale:.4g} x {name}"
    return scaled if abs(shift) < FIT * scale else f"{scaled} {'-' if shift < 0 else '+'} {abs(shift):.4g}"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(float(x)) for x in value]
    if isinstance(value, complex):
        return [_plain(value.real), _plain(value.imag)]
    if isinstance(value, (tuple, list)):
        return [_plain(x) for x in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value
