"""A pair (f, g) of the user's own, formulas or functions in Python, tried out before anything is trained with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from trainables import own_code
from trainables.objectives import finite, opposition
from trainables.objectives.pairing import check_pairing
from trainables.objectives.table import GENERATOR_LOSSES, Game, resolve

_OUTPUTS = (0.25, 0.5, 0.75)  # of a critic: inside the domain of f and g where the link maps everything into it


def try_out(objective: Mapping[str, Any], generator_loss: str = "default", pairing: str = "independent") -> None:
    """Try a pair, or a formula for the generator's loss, on outputs of a critic; the table's rows are known to be good.

    Raises what `resolve`, `check_pairing`, `finite.require` and `opposition.require` raise, and `ValueError` for a
    function that fails, returns anything but one number for each output, or has no slope there.
    """
    if own_code.is_location(objective.get("name")):
        game = resolve(objective, generator_loss)
        check_pairing(game, pairing)
        _call(game)
        finite.require(game)
        opposition.require(game, pairing)
    elif "f" in objective or generator_loss not in ("default", *GENERATOR_LOSSES):
        _try_formulas(json.dumps(dict(objective)), generator_loss, pairing)


@lru_cache(maxsize=1024)
def _try_formulas(objective: str, generator_loss: str, pairing: str) -> None:
    """The same of formulas; of many arms most have the same."""
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
