from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables import own_code
from trainables.objectives.own_pair import try_out
from trainables.objectives.table import Objective


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Puts a pair at `mine:row`; returns the objective that names it."""

    def put(f: Any, g: Any = lambda d: -d, generator: Any = "saturating", link: str = "d") -> dict[str, Any]:
        module = types.ModuleType("mine")
        row = Objective("mine", f, g, generator, "", "a test", link=link)
        monkeypatch.setattr(module, "row", row, raising=False)
        monkeypatch.setitem(sys.modules, "mine", module)
        monkeypatch.setattr(own_code, "_now", [])
        own_code.allow(tmp_path)
        return {"name": "mine:row"}

    return put


def test_good_pairs_pass(put: Callable[..., dict[str, Any]]) -> None:
    try_out(put(lambda d: d - d**3 / 3))
    try_out(put(lambda d: torch.log(d), link="softplus(d)", generator=lambda d: d.square()))
    try_out(put("-softplus(-d)", "-softplus(d)"), "-f")
    try_out({"name": "hinge"})


def changed(d: Tensor) -> Tensor:
    raise OverflowError("too large")


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (
            {"f": changed},
            r"objective.f: fails on outputs of a critic: OverflowError: too large \(.*test_own_pair.py, line",
        ),
        ({"f": lambda d: d.mean()}, r"objective.f: expected a number for each of \(1, 3\) outputs, got \(\)"),
        ({"f": lambda d: 1.0}, r"objective.f: expected a number for each of \(1, 3\) outputs, got float"),
        (
            {"f": lambda d: d, "g": lambda d: d.sign().detach()},
            r"objective.g: expected a function of d that can be diff",
        ),
        (
            {"f": lambda d: torch.log(-d)},
            r"objective.f: expected finite numbers at d = \[0.25, 0.5, 0.75\], got others",
        ),
        (
            {"f": lambda d: d, "generator": lambda d: d.item()},
            "objective.generator: fails on outputs of a critic: Runtime",
        ),
    ],
)
def test_what_would_fail_in_training_is_found_out(
    put: Callable[..., dict[str, Any]], pair: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        try_out(put(**pair))


@pytest.mark.parametrize(
    ("objective", "loss", "message"),
    [
        ({"name": "mine", "f": "log(d)", "g": "log(1-d)"}, "default", "objective.f: expected a finite value and slope"),
        ({"name": "mine", "f": "d", "g": "d"}, "default", "objective: expected f and g that set critic and generator"),
        ({"name": "hinge"}, "sqrt(d)", "generator_loss: expected a finite value and slope at every real d"),
    ],
)
def test_formulas_are_tried_out_too(objective: dict[str, Any], loss: str, message: str) -> None:
    for _ in range(2):  # what was refused is refused again
        with pytest.raises(ValueError, match=message):
            try_out(objective, loss)


def test_functions_without_a_game_are_refused(put: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="no divergence: f and g both grow without end as d falls"):
        try_out(put(lambda d: -torch.log(d), link="softplus(d)"))
    with pytest.raises(ValueError, match=r"objective.f: .* whose slope is NaN at d = 0, in float32"):
        try_out(put(lambda d: d.abs().sqrt()))
