"""The map of Dirac-GANs as a model: the sweep's own maths, starts from seeds, resuming, and what is refused."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data import load
from trainables.data.source import Axis
from trainables.metrics.evaluator import Evaluator
from trainables.metrics.real_scores import RealScores
from trainables.models.dirac_map import DiracMap, places
from trainables.objectives.dirac import STABILISERS, UPDATES
from trainables.objectives.dirac_sweep import sweep
from trainables.spec import Spec
from trainables.training import Training

DATA: dict[str, Any] = {
    "name": "dirac",
    "step": {"low": 0.02, "high": 3.0, "count": 7},
    "gamma": {"low": 0.05, "high": 8.0, "count": 6},
}


def spec(**changes: Any) -> Spec:
    values = {"data": DATA, "steps": 300, "evaluations": 3, "batch_size": 1, "model": "dirac", "penalty": "r1"}
    return Spec.from_dict({**values, **changes})


def run(given: Spec, seeds: list[int]) -> tuple[Training, dict[str, list[Any]]]:
    """A whole training, and the columns of its last evaluation."""
    training = Training(given, seeds)
    while not training.done:
        columns = training.advance().columns
    return training, columns


def model(training: Training) -> DiracMap:
    assert isinstance(training.model, DiracMap)
    return training.model


def test_an_axis_is_logarithmic() -> None:
    np.testing.assert_allclose(places(Axis(1e-3, 10.0, 5)), [1e-3, 1e-2, 0.1, 1.0, 10.0])


@pytest.mark.golden
@pytest.mark.parametrize("penalty", STABILISERS)
@pytest.mark.parametrize("updates", UPDATES)
def test_a_map_is_the_sweep_from_its_start(penalty: str, updates: str) -> None:
    if penalty == "consensus" and updates != "simultaneous":
        pytest.skip("the same under alternating updates, refused with sga")
    given = spec(penalty=penalty, updates=updates, steps=60, evaluations=2)
    fresh = model(Training(given, [3]))
    start = (float(fresh.theta[0, 0, 0]), float(fresh.psi[0, 0, 0]))
    training, last = run(given, [3])
    expected = sweep("non_saturating", penalty, fresh.gammas, fresh.steps, 60, updates, start=start)
    np.testing.assert_allclose(model(training).distance[0].numpy(), expected.distance, rtol=1e-9)
    assert last["dirac_converged"] == pytest.approx([expected.converged.mean()])
    assert last["dirac_agreement"] == pytest.approx([expected.agreement])


def test_a_start_is_the_seeds_own_and_lies_on_the_circle() -> None:
    together = model(Training(spec(), [0, 1, 2]))
    assert together.theta.shape == (3, 7, 6)
    torch.testing.assert_close(torch.hypot(together.theta, together.psi), torch.full((3, 7, 6), 0.1).double())
    assert len(set(together.theta[:, 0, 0].tolist())) == 3
    alone = model(Training(spec(), [1]))
    assert torch.equal(alone.theta[0], together.theta[1])


def test_a_replica_does_not_depend_on_the_others() -> None:
    (_, both), (_, one) = run(spec(), [5, 6]), run(spec(), [6])
    assert {name: values[1:] for name, values in both.items()} == one


def test_resuming_is_bit_exact() -> None:
    whole, last = run(spec(), [0, 1])
    first = Training(spec(), [0, 1])
    first.advance()
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = Training(spec(), [0, 1])
    second.load_state_dict(torch.load(file, weights_only=True))
    while not second.done:
        again = second.advance()
    assert again.columns == last
    for ours, theirs in zip(model(second).buffers, model(whole).buffers, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert int(model(second).moves) == 300


def test_nothing_but_the_map_is_measured() -> None:
    _, last = run(spec(), [0])
    assert set(last) == {"diverged", "dirac_converged", "dirac_agreement"}
    assert last["diverged"] == [False]
    assert 0 < last["dirac_converged"][0] < 1
    assert last["dirac_agreement"][0] > 0.9


@pytest.mark.golden
def test_without_a_penalty_nothing_converges_and_r1_does() -> None:
    """Mescheder et al. 2018."""
    _, free = run(spec(penalty="none"), [0])
    _, held = run(spec(), [0])
    assert free["dirac_converged"] == [0]
    assert held["dirac_converged"][0] > 0.2


def test_cells_that_leave_every_bound_touch_no_other() -> None:
    wild = {**DATA, "step": {"low": 0.02, "high": 500.0, "count": 7}}
    training, last = run(spec(data=wild, objective="wasserstein", penalty="none"), [0])
    distance = model(training).distance
    assert not bool(distance[0, -1].isfinite().any())
    assert bool(distance[0, 0].isfinite().all())
    assert last["diverged"] == [False]


def test_the_pictures_arrays() -> None:
    training, _ = run(spec(), [0, 1, 2])
    arrays = training.model.picture(2)
    assert arrays["dirac_distance"].shape == (2, 7, 6)
    assert arrays["dirac_radius"].shape == (7, 6)
    assert (len(arrays["dirac_step"]), len(arrays["dirac_gamma"]), int(arrays["dirac_moves"])) == (7, 6, 300)


def test_a_point_has_no_sample_measurements() -> None:
    evaluator = Evaluator(load(**DATA), {})
    assert evaluator.floor() == RealScores({}, {}, 0)
    assert evaluator(torch.zeros(2, 10, 1)) == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"penalty": "spectral_norm"}, "penalty: unknown name 'spectral_norm'"),
        ({"penalty": {"name": "r1", "weight": 2.0}}, r"penalty\.weight: expected none with dirac, where data\.gamma"),
        ({"updates": "extragradient"}, "updates: unknown name 'extragradient'"),
        ({"model": "gan"}, "model: expected dirac on data dirac only, got gan on 'dirac'"),
        ({"data": "ring"}, "model: expected dirac on data dirac only, got dirac on 'ring'"),
        ({"updates": "sga", "penalty": "consensus"}, "penalty: expected no consensus with sga"),
        ({"critic_steps": 2, "updates": "simultaneous"}, "critic_steps: expected 1 with simultaneous"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": {"low": 1.0, "high": 2.0}}, r"data\.step: expected a mapping of low, high and count"),
        ({"step": {"low": 2.0, "high": 1.0, "count": 3}}, r"data\.step: expected low < high"),
        ({"gamma": {"low": 0, "high": 1.0, "count": 3}}, r"data\.gamma\.low: expected a number from 1e-12"),
        ({"gamma": {"low": 1, "high": 2.0, "count": 1}}, r"data\.gamma\.count: expected a whole number >= 2"),
        ({"gamma": {"low": 1, "high": 2.0, "count": 10**6}}, r"data\.gamma\.count: expected at most 10000"),
        ({"tolerance": 1.5}, r"data\.tolerance: expected a share below 1"),
    ],
)
def test_an_axis_that_is_none_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load("dirac", **changes)


def test_the_point() -> None:
    data = load("dirac")
    assert data.point
    assert (data.shape, data.classes, data.mixture) == ((1,), 0, None)
    assert math.isclose(float(data.train), 0.0)
