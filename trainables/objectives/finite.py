"""Whether a pair of the user's own is finite, and its slope too, wherever a critic's output may be.

A critic's output d is any real number. A formula such as log(d), sqrt(d) or 1/d has no value or no slope at some of
them, and makes the weights NaN in the step in which a sample gets one. A pair is tried in both precisions from -50 to
50 and where a part of a formula is 0 or two arguments of its min or max meet: there are the edges of roots, logarithms
and quotients. What has only grown too large for its precision, as exp(exp(d)) at 7, passes: a critic that gets there
has diverged.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from trainables.objectives.expression import parts
from trainables.objectives.optimum import derivatives
from trainables.objectives.table import GENERATOR_LOSSES, Function, Game, written

GRID = torch.arange(-1000, 1001, dtype=torch.float64) / 20
PRECISIONS = {torch.float64: "", torch.float32: ", in float32 as training computes"}
ZOOMS, FINER = 10, 20  # how often the surroundings of a part's least size are looked at more closely, and how much
DIGITS = 12
NEARER, NEAR = 1e-12, 1e-9  # distances from such a place; a slope that grows from one to the other grows without end
GROWS = 1.5
ADVICE = {  # by what a formula contains; the first that it does is said
    "log": "with D = sigmoid(d) the textbook's log D is -softplus(-d) and its log(1 - D) is -softplus(d)",
    "sqrt": "what is under a root must stay above 0, as in sqrt(1 + d**2)",
    "**": "the base of such a power must stay above 0, as in (1 + d**2)**0.5",
    "/": "what divides must stay away from 0 and all of it finite: exp(d)/(1 + exp(d)) is sigmoid(d)",
    "": "sigmoid, softplus and tanh are finite everywhere",
}


def require(game: Game) -> None:
    """Refuse a pair that is not finite everywhere. Raises `ValueError` that names f, g or the generator's loss, says at
    which d, and what to write instead."""
    row = game.objective
    in_python = callable(row.f) or callable(row.g) or callable(row.generator)
    places = GRID[:0] if in_python else edges(game)
    precisions = [torch.float32] if in_python else list(PRECISIONS)
    for key, rule, function in (
        ("objective.f", row.f, game.f),
        ("objective.g", row.g, game.g),
        ("generator_loss", game.loss_name, game.loss),
    ):
        found = unbounded(lambda x, part=function: part(game.link(x[None]))[0], places, precisions)  # type: ignore[misc]
        if found is not None:
            advice = next(said for sign, said in ADVICE.items() if sign in written(rule))
            raise ValueError(
                f"{key}: expected a finite value and slope at every real d, as a critic's output may be any, got"
                f" {written(rule)}, {found}; {advice}"
            )


def unbounded(function: Function, places: Tensor, precisions: Iterable[torch.dtype] = PRECISIONS) -> str | None:
    """Where, next to 0, and how a function of d is not finite, in words; None where it is.

    `places` are tried beside the grid, and whether the slope grows without end towards them.
    """
    d = torch.cat([GRID, places]).sort().values
    for dtype in precisions:
        x, where = d.to(dtype), PRECISIONS[dtype]
        for name, value in (("which", function(x)), ("whose slope", derivatives(function, x)[0])):
            bad = value.isnan() | (value.isinf() & ~_overflown(value))
            if bad.any():
                at = int(d.abs().masked_fill(~bad, torch.inf).argmin())
                return f"{name} is {'NaN' if value[at].isnan() else 'infinite'} at d = {_short(d[at])}{where}"
    if not len(places):
        return None
    near, nearer = (_slope_beside(function, places, distance) for distance in (NEAR, NEARER))
    steep = (nearer > GROWS * near) & (nearer - near > 1e-3 * (1 + near))
    if steep.any():
        at = int(places.abs().masked_fill(~steep, torch.inf).argmin())
        return f"whose slope grows without end near d = {_short(places[at])}"
    return None


def edges(game: Game) -> Tensor:
    """The d at which a part of a game's formulas is 0, or as near to 0 as it comes."""
    values = game.parameters
    found = [part for rule in (game.objective.f, game.objective.g) for part in parts(str(rule), ("d",), values)]
    if game.loss_name not in GENERATOR_LOSSES:
        found += parts(game.loss_name, ("d", "f", "g"), values)

    def sizes(x: Tensor) -> Tensor:
        d = game.link(x)
        scope = {"d": d, "f": game.f(d), "g": game.g(d)}
        return torch.stack([part(**scope).abs().nan_to_num(nan=torch.inf) for part in found])

    if not found:
        return GRID[:0]
    whole = sizes(GRID)
    lowest = (whole[:, 1:-1] < whole[:, :-2]) & (whole[:, 1:-1] <= whole[:, 2:])
    which, index = lowest.nonzero().T
    place, step = GRID[index + 1], float(GRID[1] - GRID[0])
    for _ in range(ZOOMS if len(place) else 0):
        around = place[:, None] + torch.arange(-FINER, FINER + 1, dtype=torch.float64) * (step / FINER)
        size = sizes(around.flatten()).unflatten(1, around.shape)[which, torch.arange(len(place))]
        place = around.gather(1, size.argmin(1, keepdim=True))[:, 0]
        step /= FINER
    exact = place.round(decimals=DIGITS)  # a number that stands in the formula
    return torch.cat([place, exact]).sort().values


def _overflown(value: Tensor) -> Tensor:
    """Which numbers (N,) are infinite only as they are too large: a finite neighbour of their run is huge as well."""
    huge = torch.finfo(value.dtype).max ** 0.5
    finite, grown = value.isfinite(), value.abs() >= huge
    index = torch.arange(len(value))
    before = torch.where(finite, index, -1).cummax(0).values
    after = torch.where(finite, index, len(value)).flip(0).cummin(0).values.flip(0)
    on_left = grown.index_select(0, before.clamp(min=0)) & (before >= 0)
    on_right = grown.index_select(0, after.clamp(max=len(value) - 1)) & (after < len(value))
    return torch.logical_or(on_left, on_right)


def _slope_beside(function: Function, places: Tensor, distance: float) -> Tensor:
    """The larger of a function's slopes (N,) at so small a distance to the left and to the right of places (N,)."""
    steps = distance * places.abs().clamp(min=1)
    return torch.maximum(*(derivatives(function, places + sign * steps)[0].abs() for sign in (-1, 1)))


def _short(place: Tensor) -> str:
    return f"{float(place) + 0.0:.4g}"
