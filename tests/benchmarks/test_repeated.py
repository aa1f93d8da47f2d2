import numpy as np
import pytest

from benchmarks.repeated import NOISE, WORSE, World, draw, events, long_search


def test_the_best_of_many_is_better_than_a_random_one():
    generator = np.random.default_rng(0)
    shape = (200, 2, 3, 8)
    best, random = (draw(World(0.5, searched=searched), shape, generator).score for searched in (True, False))
    assert best.mean() < -0.6
    assert random.mean() == pytest.approx(0, abs=0.05)


def test_noise_is_shared_as_said():
    world = World(0.0, shared=0.25, crossed=0.16, searched=False)
    score = draw(world, (400, 2, 2, 16), np.random.default_rng(0)).score
    total = NOISE**2
    assert score.var() == pytest.approx(total, rel=0.05)
    assert (score[:, 0] * score[:, 1]).mean() == pytest.approx(0.25 * total, rel=0.15)
    assert (score[:, :, 0] * score[:, :, 1]).mean() == pytest.approx(0.41 * total, rel=0.15)


def test_collapsed_replicas_score_worse_and_fell_before_the_end():
    found = draw(World(0.2, "often"), (100, 2, 3, 16), np.random.default_rng(0))
    fallen = found.collapsed == 1
    assert 0.1 < fallen.mean() < 0.3
    apart = found.score[fallen].mean() - found.score[~fallen].mean()
    assert WORSE < apart < WORSE + 3 * NOISE  # who fell had an unlucky seed, too
    assert (found.time[~fallen] == 1).all()
    assert (found.time[fallen] < 1).all()
    with pytest.raises(
        ValueError, match="collapse: expected one of never, rarely, often, bimodal, wholly, got 'always'"
    ):
        draw(World(collapse="always"), (1, 2, 1, 1), np.random.default_rng(0))


def test_winners_may_be_wholly_good_or_bad():
    found = draw(World(0.5, "wholly"), (50, 2, 3, 8), np.random.default_rng(0)).collapsed.mean(-1)
    assert set(np.unique(found)) == {0, 1}
    assert found.mean() == pytest.approx(0.5, abs=0.1)


def test_events_have_their_share_and_correlation():
    fallen, time = events(np.array([0.05, 0.35]), 0.2, (2000, 2, 1, 8), np.random.default_rng(0))
    assert fallen.mean((0, 2, 3)) == pytest.approx([0.05, 0.35], abs=0.015)
    away = fallen[:, 1, 0] - 0.35
    alike = (away.sum(-1) ** 2 - (away**2).sum(-1)).mean() / (8 * 7)
    assert alike / (0.35 * 0.65) == pytest.approx(0.2, abs=0.04)
    assert ((time < 1) == (fallen == 1)).all()


def test_a_long_search_is_of_random_configurations():
    score, fallen = long_search(World(0.3, shared=0.5, shift=(0.0, 1.0)), (300, 2, 10, 8), np.random.default_rng(0))
    assert score.mean((0, 2, 3)) == pytest.approx([0, 1], abs=0.07)
    assert score[:, 0].var() == pytest.approx(0.3**2 + NOISE**2, rel=0.1)
    assert (score[:, 0, 0] * score[:, 0, 1]).mean() == pytest.approx(NOISE**2 / 2, rel=0.15)
    assert not fallen.any()
