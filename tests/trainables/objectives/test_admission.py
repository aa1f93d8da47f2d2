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
from trainables.objectives.admission import overflows, require
from trainables.objectives.table import Objective


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Puts a pair at `mine:row`; returns the objective that names it."""

    def put(f: Any, g: Any = lambda d: -d, generator: Any = "saturating", link: str = "d") -> dict[str, Any]:
        module = types.ModuleType("mine")
        row = Objective("mine", f, g, generator, "", "a test", link=link)
        monkeypatch.setattr(module, "row", row, raising=False)
        monkeypatch.setitem(sys.modules, "mine", module)
        monkeypatch.setattr(own_code, "_now", None)
        own_code.allow(tmp_path)
        return {"name": "mine:row"}

    return put


def test_good_pairs_pass(put: Callable[..., dict[str, Any]]) -> None:
    require(put(lambda d: d - d**3 / 3))
    require(put(lambda d: torch.log(d), link="softplus(d)", generator=lambda d: d.square()))
    require(put("-softplus(-d)", "-softplus(d)"), "-f")
    require({"name": "hinge"})


def changed(d: Tensor) -> Tensor:
    raise OverflowError("too large")


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (
            {"f": changed},
            r"objective.f: fails on outputs of a critic: OverflowError: too large \(.*test_admission.py, line",
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
        require(put(**pair))


@pytest.mark.parametrize(
    ("objective", "loss", "message"),
    [
        ({"name": "mine", "f": "log(d)", "g": "log(1-d)"}, "default", "objective.f: expected a finite value and slope"),
        ({"name": "mine", "f": "d", "g": "d"}, "default", "objective: expected f and g that set critic and generator"),
        ({"name": "hinge"}, "sqrt(d)", "generator_loss: expected a finite value and slope at every real d"),
        (
            {"name": "alpha_loss", "alpha_d": 0.01},
            "default",
            "objective.alpha_d: expected a value and slope that float",
        ),
        ({"name": "alpha_loss", "alpha_d": 0.01}, "critic_mean", "objective.alpha_d: expected a value and slope that"),
    ],
)
def test_formulas_and_the_tables_rows_are_tried_out_too(objective: dict[str, Any], loss: str, message: str) -> None:
    for _ in range(2):  # what was refused is refused again
        with pytest.raises(ValueError, match=message):
            require(objective, loss)


def test_functions_without_a_game_are_refused(put: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="no divergence: f and g both grow without end as d falls"):
        require(put(lambda d: -torch.log(d), link="softplus(d)"))
    with pytest.raises(ValueError, match=r"objective.f: .* whose slope is NaN at d = 0, in float32"):
        require(put(lambda d: d.abs().sqrt()))


def test_what_is_too_large_far_out_is_told_of_all_kinds_alike(put: Callable[..., dict[str, Any]]) -> None:
    far = "is too large for float32 from d = 44.05 up, where a replica counts as diverged"
    assert overflows(put("d", lambda d: -torch.exp(2 * d))) == (f"objective.g: g(d) = <lambda> {far}",)
    assert overflows({"name": "mine", "f": "d", "g": "-exp(2*d)"}) == (f"objective.g: g(d) = -exp(2*d) {far}",)
    assert overflows({"name": "alpha", "alpha": 0.75})[0].startswith("objective.alpha: with alpha = 0.75 g(d) is too")
    assert overflows({"name": "hinge"}, "-f") == ()
