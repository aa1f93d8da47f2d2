"""A pair (f, g) of the user's own in Python, at `module:attribute`, tried out before anything is trained with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from trainables import own_code
from trainables.objectives.pairing import check_pairing
from trainables.objectives.table import Game, resolve

_OUTPUTS = (0.25, 0.5, 0.75)  # of a critic: inside the domain of f and g where the link maps everything into it


def try_out(objective: Mapping[str, Any], generator_loss: str = "default", pairing: str = "independent") -> None:
    """Call the functions of a pair at `module:attribute` on a few outputs of a critic; those of formulas are known.

    Raises what `resolve` and `check_pairing` raise, and `ValueError` for a function that fails, returns anything
    but one number for each output, or has no slope there.
    """
    if own_code.is_location(objective.get("name")):
        game = resolve(objective, generator_loss)
        check_pairing(game, pairing)
        _call(game)


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
