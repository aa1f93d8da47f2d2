"""Penalties on the critic's outputs against their papers' formulas, in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from trainables.augmentations import changed
from trainables.output_penalties import from_anchors, inconsistency
from trainables.penalties import PENALTIES, Term, check_samples

ROW = PENALTIES["lecam"]


def vector(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def lecam(decay: Tensor) -> Term:
    anchors = torch.full((len(decay), 2), math.nan, dtype=torch.float64)
    return Term(ROW, torch.ones_like(decay), 1, True, slice(0, 0), {"decay": decay}, anchors)


@pytest.mark.golden
def test_at_its_anchors_lecam_is_the_spread_and_the_distance() -> None:
    """Anchors at the batch's means: the variances of both sets of outputs, and twice the means' distance squared."""
    real, fake = vector(1, 3, 5)[None], vector(-2, 0, -1)[None]
    term = lecam(vector(0.9))
    found = from_anchors(term, real, fake)
    assert float(found) == pytest.approx(8 / 3 + 2 / 3 + 2 * (3 - -1) ** 2, rel=1e-12)
    assert term.anchors is not None
    assert term.anchors.tolist() == [[3, -1]]


def test_anchors_are_moving_averages_of_each_replica() -> None:
    term, decays = lecam(vector(0.9, 0.0)), (0.9, 0.0)
    outputs = torch.randn(4, 2, 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for real, fake in outputs:
        from_anchors(term, real, fake)
    assert term.anchors is not None
    for i, decay in enumerate(decays):
        for side in (0, 1):
            expected = float(outputs[0, side, i].mean())
            for later in outputs[1:, side, i]:
                expected = decay * expected + (1 - decay) * float(later.mean())
            assert float(term.anchors[i, side]) == pytest.approx(expected, rel=1e-12)


def test_anchors_are_constants_to_the_gradient_and_stay_in_place() -> None:
    term = lecam(vector(0.5))
    real, fake = vector(2, 4)[None].requires_grad_(), vector(1, 1)[None]
    assert term.anchors is not None
    place = term.anchors.data_ptr()
    (slope,) = torch.autograd.grad(from_anchors(term, real, fake).sum(), real)
    assert slope.tolist() == [[2 * (2 - 1) / 2, 2 * (4 - 1) / 2]]
    assert term.anchors.data_ptr() == place


def test_a_replica_that_is_not_finite_touches_no_other() -> None:
    term = lecam(vector(0.9, 0.9))
    real = torch.stack([vector(1, 2), vector(math.nan, 2)])
    assert from_anchors(term, real, real).isfinite().tolist() == [True, False]


def test_the_averaged_term_leaves_the_anchors_alone_and_a_replicas_own_hold() -> None:
    term = lecam(vector(0.5, 0.5))
    ones, zeros = torch.ones(2, 3, dtype=torch.float64), torch.zeros(2, 3, dtype=torch.float64)
    from_anchors(term, ones, zeros)
    from_anchors(term.averaged(), zeros, zeros)
    alone = term.averaged().of(slice(1, 2))
    from_anchors(alone, zeros[:1], zeros[:1])
    assert term.anchors is not None
    assert alone.anchors is not None
    assert term.anchors.tolist() == [[1, 0], [1, 0]]
    assert alone.anchors.tolist() == [[1, 0]]


@pytest.mark.parametrize("name", ["consistency", "balanced_consistency"])
def test_of_a_linear_critic_inconsistency_is_the_variance_of_the_jitter(name: str) -> None:
    """d(x) = s x changes by s n, whose square has the mean s² noise² spread²."""
    slopes, noise, spread = vector(0.5, 2.0), vector(0.1, 0.3), vector(3.0, 1.0)
    settings = {"noise": noise}
    term = Term(PENALTIES[name], slopes, 1, True, slice(0, 1), settings)
    x = torch.zeros(2, 200_000, 1, dtype=torch.float64)
    uniform = torch.rand(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def critic(samples: Tensor) -> Tensor:
        return slopes[:, None] * samples.squeeze(2)

    found = inconsistency(term, critic, x, critic(x), uniform, spread)
    torch.testing.assert_close(found, (slopes * noise * spread).square(), rtol=0.01, atol=0)


def test_a_critic_that_sees_only_the_sum_is_consistent_within_the_image() -> None:
    """Translations keep the sum of what stays inside."""
    images = torch.zeros(1, 6, 1, 8, 8, dtype=torch.float64)
    images[..., 3:5, 3:5] = 1
    term = Term(PENALTIES["consistency"], vector(1), 1, True, slice(0, 3), {"shift": vector(0.25), "flip": vector(0.5)})
    uniform = torch.rand(1, 6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert not torch.equal(changed(images, uniform, term.settings, vector(1)), images)

    def mass(x: Tensor) -> Tensor:
        return x.sum((2, 3, 4))

    def above(x: Tensor) -> Tensor:
        return x[..., :4, :].sum((2, 3, 4))

    assert float(inconsistency(term, mass, images, mass(images), uniform, vector(1))) == 0
    assert float(inconsistency(term, above, images, above(images), uniform, vector(1))) > 0


@pytest.mark.parametrize(
    ("settings", "shape", "message"),
    [
        ({"noise": 0.1}, (1, 8, 8), r"penalty.noise: expected only for points, got 0.1 for samples of \(1, 8, 8\)"),
        ({"shift": 0.1}, (2,), r"penalty.shift: expected only for images, got 0.1 for samples of \(2,\)"),
        ({"flip": 0.5}, (2,), r"penalty.flip: expected only for images, got 0.5"),
    ],
)
def test_settings_of_other_samples_are_refused(
    settings: dict[str, float], shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_samples([{"name": "r1"}, {"name": "consistency", **settings}], shape)
    check_samples([{"name": "r1"}, {"name": "consistency"}], shape)
