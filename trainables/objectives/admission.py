"""What is asked of a pair (f, g) before anything is trained with it, be it a row of the table with the numbers given to
it, formulas of the user's own, or functions in Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor

from trainables import own_code
from trainables.objectives import finite, opposition
from trainables.objectives.pairing import check_pairing
from trainables.objectives.table import Game, resolve

T = TypeVar("T")
_OUTPUTS = (0.25, 0.5, 0.75)  # of a critic: inside the domain of f and g where the link maps everything into it


def require(objective: Mapping[str, Any], generator_loss: str = "default", pairing: str = "independent") -> None:
    """Refuse what no training can use.

    Raises what `resolve`, `check_pairing`, `finite.require` and, of a pair of the user's own, `opposition.require`
    raise, and `ValueError` for a function that fails, returns anything but one number for each output, or has no slope
    there.
    """
    if own_code.is_location(objective.get("name")):
        game = resolve(objective, generator_loss)
        check_pairing(game, pairing)
        _call(game)
        finite.require(game)
        opposition.require(game, pairing)
    else:
        _require_formulas(json.dumps(dict(objective)), generator_loss, pairing)


def overflows(objective: Mapping[str, Any], generator_loss: str = "default") -> tuple[str, ...]:
    """What of a pair float32 cannot hold from some output of the critic on, in words."""
    return _asked(finite.overflows, objective, generator_loss)


def needs_slope(objective: Mapping[str, Any]) -> bool:
    """Whether there is no best critic unless its slope is bounded, as of `opposition.opposite_lines`."""
    return _asked(opposition.opposite_lines, objective)


def boundless(objective: Mapping[str, Any]) -> bool:
    """Whether constant critics gain without end, even where p = q: of pairs of the user's own, as no row is so."""
    own = own_code.is_location(objective.get("name")) or "f" in objective
    return own and _asked(opposition.boundless, objective)


def _asked(question: Callable[[Game], T], objective: Mapping[str, Any], generator_loss: str = "default") -> T:
    """The answer of a pair; of formulas it is kept, as of many arms most have the same."""
    if own_code.is_location(objective.get("name")):
        return question(resolve(objective, generator_loss))
    answer: T = _of_formulas(question, json.dumps(dict(objective)), generator_loss)
    return answer


@lru_cache(maxsize=1024)
def _of_formulas(question: Callable[[Game], Any], objective: str, generator_loss: str) -> Any:
    return question(resolve(json.loads(objective), generator_loss))


@lru_cache(maxsize=1024)
def _require_formulas(objective: str, generator_loss: str, pairing: str) -> None:
    """Kept, as answers are."""
    pair = json.loads(objective)
    game = resolve(pair, generator_loss)
    finite.require(game)
    if "f" in pair:
        opposition.require(game, pairing)


def _call(game: Game) -> None:
    output = torch.tensor([_OUTPUTS], requires_grad=True)
    d = _value("link", game.link, output)
    for name, function in (("f", game.f), ("g", game.g), ("generator", game.loss)):
        value = _value(name, function, d)
        if not value.requires_grad:
            raise ValueError(f"objective.{name}: expected a function of d that can be differentiated, got a constant")


def _value(name: str, function: Any, d: Tensor) -> Tensor:
    try:
        value = function(d)
    except own_code.RAISED as error:
        raise ValueError(f"objective.{name}: fails on outputs of a critic: {own_code.told(error)}") from error
    if not isinstance(value, Tensor) or value.shape != d.shape:
        got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"objective.{name}: expected a number for each of {tuple(d.shape)} outputs, got {got}")
    if not bool(value.isfinite().all()):
        raise ValueError(f"objective.{name}: expected finite numbers at d = {d.flatten().tolist()}, got others")
    return value
