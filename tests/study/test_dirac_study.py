"""A map of Dirac-GANs as an ordinary study: checked, trained, drawn and judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.pictures.canvas import CRITIC, DENSE, INK, OUTSIDE
from analysis.pictures.heat_map import Predicted, heat_map
from analysis.pictures.render import picture, render
from analysis.record.curves import Curves
from analysis.results.outcomes import judge
from study.config import loading
from study.config.arms import spec_for
from study.config.messages import ConfigError
from study.config.notes import notes
from study.execution.job import Job
from study.execution.pack import Pack
from study.progress.forecast import forecast
from trainables.data import load
from trainables.metrics.evaluator import Evaluator

CONFIG = Path(__file__).parents[2] / "configs" / "dirac.yaml"
SMALL = ["data.step.count=6", "data.gamma.count=5", "budget.steps=100", "replicas=2"]


def test_the_map_has_thousands_of_cells_and_costs_seconds() -> None:
    plan = loading.load(CONFIG)
    data = plan.config.data
    assert data["step"]["count"] * data["gamma"]["count"] >= 4000
    assert len(plan.arms) == 24
    assert forecast(plan).core_seconds < 100
    assert notes(plan) == []


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("search.metric=fid", "expected what is measured here, got 'fid'"),
        ("search.mode=min", "expected max, as dirac_converged is better so"),
        ("scientific.penalty=[spectral_norm]", "scientific.penalty: unknown name 'spectral_norm'"),
        ("fixed.model=gan", "expected dirac on data dirac only, got gan"),
        ("data.step.low=9", "data.step: expected low < high"),
    ],
)
def test_check_refuses(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        loading.load(CONFIG, [setting])


def test_what_a_map_has_no_use_for_makes_no_arms() -> None:
    plan = loading.load(CONFIG, ["scientific.optimizer=[adam, sgd]", "scientific.instance_noise=[0.0, 0.1]"])
    assert len(plan.arms) == 24


def test_other_models_do_not_measure_a_map() -> None:
    with pytest.raises(ConfigError, match="expected what is measured here, got 'dirac_converged'"):
        loading.load(CONFIG.with_name("ring.yaml"), ["search.metric=dirac_converged", "search.mode=max"])


def test_a_trial_leaves_a_map_that_can_be_drawn(tmp_path: Path) -> None:
    plan = loading.load(CONFIG, SMALL)
    spec = spec_for(plan.config, plan.arms[2], {})
    job = Job("t", spec.to_dict(), [4, 5], str(tmp_path), ["dirac_converged"], ["max"], pictures=1, gallery=False)
    data = load(**spec.data)
    pack = Pack([job], data, Evaluator(data, spec.evaluation))
    rows: list[dict[str, Any]] = []
    while not pack.done:
        rows += json.loads(pack.report()["reports"])[0]["rows"]
    assert set(rows[-1]["columns"]) == {"diverged", "dirac_converged", "dirac_agreement"}
    path = tmp_path / rows[-1]["pictures"]
    with np.load(path) as file:
        assert file["seeds"].tolist() == [4, 5]
        assert file["dirac_distance"].shape == (2, 6, 5)
    assert picture(path, "t", ["a", "b"]).width > 800


def arrays() -> dict[str, np.ndarray]:
    """A map that converges below a step of 1, whatever gamma."""
    step, gamma = np.geomspace(0.01, 100, 40), np.geomspace(0.1, 10, 20)
    radius = np.tile(step[:, None], (1, 20)) ** 0.1
    return {
        "dirac_distance": np.stack([radius**100.0] * 2), "dirac_step": step, "dirac_gamma": gamma,
        "dirac_radius": radius, "dirac_moves": np.array(100), "dirac_tolerance": np.array(1e-3),
    }  # fmt: skip


def near(panel: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.asarray(np.abs(panel - colour).sum(axis=-1) < 30)


def test_the_lines_are_where_the_radius_says() -> None:
    given = arrays()
    axes = given["dirac_step"], given["dirac_gamma"]
    panel = heat_map(given["dirac_distance"][0], *axes, Predicted(given["dirac_radius"], 100.0, 1e-3))
    row = panel[200]
    assert near(row, DENSE).any()
    assert near(row, OUTSIDE).any()
    one = np.flatnonzero(near(row, INK)).mean()
    share = (one - 52) / (400 - 62)
    assert share == pytest.approx(0.5, abs=0.02)  # a step of 1
    early = np.flatnonzero(near(row, CRITIC)).mean()
    assert (early - 52) / (400 - 62) == pytest.approx((np.log10(1e-3**0.1) + 2) / 4, abs=0.02)


def test_a_plateau_at_radius_one_has_no_line_and_lost_cells_are_orange() -> None:
    step = np.geomspace(0.01, 1, 8)
    flat = 1 + 1e-13 * np.arange(64).reshape(8, 8) % 3e-13
    panel = heat_map(np.full((8, 8), np.nan), step, step, Predicted(flat, 10.0, 1e-3))
    assert not near(panel[20:330, 70:380], INK).any()
    assert near(panel[20:330, 70:380], OUTSIDE).all()


def test_a_map_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dirac_distance: expected \(replicas, 40, 20\), got \(2, 3, 20\)"):
        render({**arrays(), "dirac_distance": np.ones((2, 3, 20))})


def test_a_map_none_of_which_settles_has_not_converged() -> None:
    shares = np.array([[0.0, 0.0, 0.0], [0.0, 0.1, 0.3]])
    steps, lengths = np.tile([1, 2, 3], (2, 1)), np.array([3, 3])
    measured = Curves(steps, lengths, {"diverged": np.zeros((2, 3)), "dirac_converged": shares})
    assert judge(measured, "completed").tolist() == ["oscillating", "converged"]
