"""Whether a pair is finite, and its slope too, wherever a critic's output may be.

A critic's output d is any real number. A formula such as log(d), sqrt(d) or 1/d has no value or no slope at some of
them, and makes the weights NaN in the step in which a sample gets one. A pair is tried in both precisions from -50 to
50 and where a part of a formula is 0 or two arguments of its min or max meet: there are the edges of roots, logarithms
and quotients. What only grows too large for its precision, as exp(exp(d)) at 4.5, passes where that is not at once, and
is told: a critic that gets there has diverged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.objectives.expression import parts
from trainables.objectives.optimum import derivatives
from trainables.objectives.table import GENERATOR_LOSSES, Function, Game, written

GRID = torch.arange(-1000, 1001, dtype=torch.float64) / 20
FAR = torch.cat([-torch.arange(600, 49, -1), torch.arange(50, 601)]).double()  # as far as float64 holds e^d
PRECISIONS = {torch.float64: "", torch.float32: ", in float32 as training computes"}
ZOOMS, FINER = 10, 20  # how often the surroundings of a part's least size are looked at more closely, and how much
DIGITS = 12
NEARER, NEAR = 1e-12, 1e-9  # distances from such a place; a slope that grows from one to the other grows without end
GROWS = 1.5
BEGINS = 1.0  # how far from 0 the outputs of a critic are that has not learnt yet
ADVICE = {  # by what a formula contains; the first that it does is said
    "log": "with D = sigmoid(d) the textbook's log D is -softplus(-d) and its log(1 - D) is -softplus(d)",
    "sqrt": "what is under a root must stay above 0, as in sqrt(1 + d**2)",
    "**": "the base of such a power must stay above 0, as in (1 + d**2)**0.5",
    "/": "what divides must stay away from 0 and all of it finite: exp(d)/(1 + exp(d)) is sigmoid(d)",
    "": "sigmoid, softplus and tanh are finite everywhere",
}


@dataclass(frozen=True)
class Part:
    """f, g or the generator's loss of a game, as a function of the critic network's output.

    `key` is the setting that it comes from, `name` what it is, `rule` its text; `numbers` are the row's own that stand
    in it, as a message shows them. `in_python`: f, g or the loss is a function in Python.
    """

    key: str
    name: str
    rule: str
    numbers: str
    in_python: bool
    function: Function

    @property
    def got(self) -> str:
        """What was set, in a message."""
        return f"{self.numbers}, with which {self.name} is {self.rule}" if self.numbers else self.rule


def require(game: Game) -> None:
    """Refuse a pair that is not finite everywhere, or too large for float32 where critics begin. Raises `ValueError`
    that names what f, g or the generator's loss comes from, says at which d, and of a formula what to write instead."""
    parts_of_game = _parts(game)
    in_python = parts_of_game[0].in_python
    places = GRID[:0] if in_python else edges(game)
    precisions = [torch.float32] if in_python else list(PRECISIONS)
    for part in parts_of_game:
        found = unbounded(part.function, places, precisions)
        if found is not None:
            advice = next(said for sign, said in ADVICE.items() if sign in part.rule)
            raise ValueError(
                f"{part.key}: expected a finite value and slope at every real d, as a critic's output may be any, got"
                f" {part.got}, {found}{'' if part.numbers else f'; {advice}'}"
            )
    for part in parts_of_game:
        place = min(_too_large(part.function), key=abs, default=torch.inf)
        if abs(place) <= BEGINS:
            raise ValueError(
                f"{part.key}: expected a value and slope that float32 holds at |d| up to {BEGINS:g}, where critics"
                f" begin, got {part.got}, too large at d = {_short(place)}"
            )


def overflows(game: Game) -> tuple[str, ...]:
    """What float32 cannot hold from some d on of f, g and the generator's loss, a sentence for each setting: as it is
    too large or, of a formula that may be written otherwise, as a part of it is."""
    found: dict[str, list[str]] = {}
    for part in _parts(game):
        why, places = "is too large for float32", _too_large(part.function)
        if not places and not part.in_python:
            why, places = "has a part too large for float32, though itself is not,", _rounded(part)
        if places:
            what = part.name if part.numbers else f"{part.name} = {part.rule}"
            on = " and ".join(f"from d = {_short(place)} {'up' if place > 0 else 'down'}" for place in places)
            lead = f"{part.key}: with {part.numbers} " if part.numbers else f"{part.key}: "
            found.setdefault(lead, []).append(f"{what} {why} {on}")
    return tuple(f"{lead}{', '.join(said)}, where a replica counts as diverged" for lead, said in found.items())


def _rounded(part: Part) -> list[float]:
    """The d next to 0, on either side, at which float32 has no value or slope where the true ones are not large."""
    single, double = ([part.function(d), derivatives(part.function, d)[0]] for d in (FAR.float(), FAR))
    held = torch.stack([one.abs() < torch.finfo(torch.float32).max for one in double]).all(0)
    lost = held & ~torch.stack([one.isfinite() for one in single]).all(0)
    return _nearest(FAR, lost)


def _nearest(places: Tensor, chosen: Tensor) -> list[float]:
    """The chosen of ascending places next to 0 on either side."""
    sides = ((places < 0, -1), (places >= 0, 0))
    return [float(places[side & chosen][end]) for side, end in sides if (side & chosen).any()]


def _parts(game: Game) -> list[Part]:
    row = game.objective
    parts = [("objective.f", "f(d)", row.f, game.f), ("objective.g", "g(d)", row.g, game.g)]
    if game.loss_name not in GENERATOR_LOSSES:
        own = written(row.generator) == game.loss_name
        parts.append(("generator_loss", "the generator's loss", row.generator if own else game.loss_name, game.loss))
    in_python = callable(row.f) or callable(row.g) or callable(row.generator)
    found = []
    for key, name, rule, function in parts:
        text = written(rule)
        mine = key != "generator_loss" or rule == row.generator
        used = [one for one in game.parameters if mine and isinstance(rule, str) and re.search(rf"\b{one}\b", text)]
        numbers = ", ".join(f"{one} = {game.parameters[one]:g}" for one in used)
        whole = lambda x, part=function: part(game.link(x[None]))[0]  # noqa: E731
        found.append(Part(f"objective.{used[0]}" if used else key, name, text, numbers, in_python, whole))
    return found


def _too_large(function: Function) -> list[float]:
    """The d of the grid next to 0, on either side, at which a function's value or slope is not finite in float32."""
    d = GRID.float()
    bad = ~(function(d).isfinite() & derivatives(function, d)[0].isfinite())
    return _nearest(GRID, bad)


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


def _short(place: Tensor | float) -> str:
    return f"{float(place) + 0.0:.4g}"
