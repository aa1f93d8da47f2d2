from itertools import combinations

import numpy as np
import pytest

from analysis.statistics.tuned import best_of, by_mean, by_rank


def drawn(n=7, seeds=3, seed=0, ties=False):
    found = np.random.default_rng(seed).normal(size=(n, seeds))
    return found.round() if ties else found


@pytest.mark.golden
@pytest.mark.parametrize("k", [1, 3, 6])
def test_all_searches_of_k_are_averaged(k):
    costs, values = drawn(), drawn(seed=1)
    searches = []
    for seed in range(3):
        chosen = np.median(np.delete(costs, seed, 1), 1)
        best = [min(some, key=chosen.__getitem__) for some in combinations(range(7), k)]
        searches.append(values[best, seed].mean())
    mean, without, by_seed = best_of(costs, values, k)
    assert mean == pytest.approx(np.mean(searches))
    assert by_seed == pytest.approx(searches)
    if k < 6:
        left_out = [best_of(np.delete(costs, i, 0), np.delete(values, i, 0), k)[0] for i in range(7)]
        assert without == pytest.approx(left_out)


def test_configurations_that_rank_alike_share_their_chances():
    costs, values = np.zeros((5, 2)), drawn(5, 2)
    costs[4] = np.inf
    mean, without, _ = best_of(costs, values, 2)
    assert mean == pytest.approx(values[:4].mean())
    assert without[4] == pytest.approx(values[:4].mean())


@pytest.mark.golden
def test_the_effect_is_that_of_every_pair_of_searches():
    a, b = drawn(5, 2, ties=True), drawn(4, 2, seed=1, ties=True)
    found, k = [], 2
    for costs in (a, b):
        outcomes = []
        for seed in range(2):
            chosen = costs[:, 1 - seed]
            for some in combinations(range(len(costs)), k):
                best = [i for i in some if chosen[i] == chosen[list(some)].min()]
                outcomes += [(costs[i, seed], 1 / len(best)) for i in best]
        found.append(np.array(outcomes).T)
    (x, weight), (y, other) = found
    wins = ((x[:, None] < y) + (x[:, None] == y) / 2) * weight[:, None] * other
    assert by_rank([a, b], k).estimate == pytest.approx([wins.sum() / weight.sum() / other.sum()])


def test_pairs_turn_and_studies_stand_side_by_side():
    arms = [np.stack([drawn(8, 4, seed=arm + 10 * study) for study in range(3)]) for arm in range(3)]
    found, turned = by_rank(arms, 3), by_rank(arms[::-1], 3)
    assert found.pairs == ((0, 1), (0, 2), (1, 2))
    np.testing.assert_allclose(turned.estimate[:, ::-1], 1 - found.estimate)
    np.testing.assert_allclose(turned.p[:, ::-1], found.p)
    np.testing.assert_allclose(by_rank([arm[1] for arm in arms], 3).p, found.p[1])
    values = [(arm > 0).astype(float) for arm in arms]
    found, turned = by_mean(arms, values, 3), by_mean(arms[::-1], values[::-1], 3)
    np.testing.assert_allclose(turned.estimate[:, ::-1], -found.estimate)
    np.testing.assert_allclose(turned.p[:, ::-1], found.p)


def test_arms_without_spread_have_a_p_above_0():
    good, bad = np.zeros((10, 4)), np.full((10, 4), np.inf)
    found = by_rank([good, bad], 5)
    assert found.estimate == pytest.approx([1])
    assert 0 < found.p[0] < 0.05
    fallen = by_mean([good, good], [good, good + 1], 5)
    assert fallen.estimate == pytest.approx([-1])
    assert 0 < fallen.p[0] < 0.05
    assert by_mean([good, good], [good, good], 5).p == pytest.approx([1])


def test_a_plain_difference_is_found_and_none_where_there_is_none():
    generator = np.random.default_rng(0)
    arms = generator.normal(size=(2, 200, 60, 1)) * 0.2 + generator.normal(size=(2, 200, 60, 8)) * 0.5
    alike = by_rank(list(arms), 20).p[:, 0]
    arms[1] += 1
    assert (alike < 0.05).mean() < 0.06 + 3 * np.sqrt(0.06 * 0.94 / 200)
    assert (by_rank(list(arms), 20).p[:, 0] < 0.05).mean() > 0.9


def test_a_search_as_long_as_all_that_was_tried_is_refused():
    with pytest.raises(ValueError, match="k: expected 0 < k < n configurations on two seeds or more, got 7 of 7 on 3"):
        best_of(drawn(), drawn(), 7)
    with pytest.raises(ValueError, match=r"k: .* got 3 of 7 on 1"):
        best_of(drawn(7, 1), drawn(7, 1), 3)
