import numpy as np
import pytest
from scipy.stats import chi2, f

from analysis.statistics.crossed import components, repeat_weights, table


def balanced(k=4, m=3, seeds=8, seed=0):
    generator = np.random.default_rng(seed)
    return (
        generator.normal(size=(k, m, 1))
        + generator.normal(size=(1, 1, seeds))
        + generator.normal(size=(k, 1, seeds))
        + generator.normal(size=(k, m, seeds))
    )


@pytest.mark.golden
def test_a_complete_table_is_an_analysis_of_variance():
    scores = balanced()
    k, m, seeds = scores.shape
    arms, units = scores.mean((1, 2), keepdims=True), scores.mean(2, keepdims=True)
    cells, shared = scores.mean(1, keepdims=True), scores.mean((0, 1), keepdims=True)
    between = ((units - arms) ** 2).sum() / (k * (m - 1))
    rest = ((scores - units - cells + arms) ** 2).sum() / (k * (m - 1) * (seeds - 1))
    crossed = m * ((cells - arms - shared + scores.mean()) ** 2).sum() / ((k - 1) * (seeds - 1))
    within = ((scores - units) ** 2).sum() / (k * m * (seeds - 1))
    whole = between + within * (1 - 1 / seeds)

    found = components(scores)
    assert found.repeat[:3] == pytest.approx([between / whole] * 3)  # the fourth has its own
    assert found.interaction == pytest.approx((crossed - rest) / m / whole)
    assert found.repeats.tolist() == [m] * k
    assert found.seeds == seeds


@pytest.mark.golden
def test_repeats_that_agree_by_accident_are_not_believed_to():
    scores = np.random.default_rng(1).permuted(np.tile(np.arange(8.0), (6, 1)), axis=1).reshape(2, 3, 8)
    assert scores.mean(2).std() == 0
    same = np.mean([np.cov(arm)[np.triu_indices(3, 1)].mean() for arm in scores])
    least = chi2.ppf(0.05, 4) / 4 * (6 - same) / 8
    assert components(scores).repeat == pytest.approx([least / (6 * (1 - 1 / 8))] * 2)


def test_repeats_that_agree_on_every_seed_are_not_believed_to():
    scores = np.tile(np.arange(8.0), (2, 3, 1))
    found = components(scores)
    assert found.repeat == pytest.approx([chi2.ppf(0.05, 4) / 4 * 0.1 / 7] * 2)
    assert found.interaction == 0


@pytest.mark.golden
def test_an_arm_whose_repeats_vary_beyond_chance_has_its_own_part():
    generator = np.random.default_rng(3)
    repeats, seeds = np.array([-1.0, 0, 1])[:, None], np.array([-1.0, 1] * 4)
    limit = f.ppf(0.9, 2, 4)  # of B / V; with B = b², V is b² + 1 × 8/7 × 7/8
    for wide, expected in ((1.01, True), (0.99, False)):
        part = limit / 11 * wide
        arms = [np.sqrt(ratio / (1 - ratio)) * repeats + seeds for ratio in (1 / 11, 1 / 11, part)]
        scores = generator.permuted(np.stack(arms), axis=2)
        found = components(np.round(scores, 12)).repeat
        pooled = sum(ratio / (1 - ratio) for ratio in (1 / 11, 1 / 11, part))
        assert found[:2] == pytest.approx([pooled / (3 + pooled)] * 2)
        assert found[2] == pytest.approx(part if expected else found[0])


def test_degrees_of_freedom_fall_where_one_arm_holds_the_variance():
    generator = np.random.default_rng(2)
    even = np.broadcast_to(np.array([0.0, 1.0, 2.0])[:, None], (6, 3, 4)) + generator.normal(size=(6, 3, 4)) * 1e-6
    assert components(even).degrees_of_freedom == pytest.approx(12)
    single = even.copy()
    single[1:] = generator.normal(size=(5, 3, 4)) * 1e-6
    assert components(single).degrees_of_freedom == pytest.approx(4, rel=1e-3)


def test_nothing_varies_nothing_repeated():
    still = components(np.ones((2, 3, 4)))
    assert (still.repeat.tolist(), still.interaction, still.degrees_of_freedom) == ([1, 1], 0, 4)
    once = components(balanced(m=1))
    assert np.isnan(once.repeat).all()
    assert once.degrees_of_freedom == 0


def test_an_absent_repeat_or_replica_is_left_out():
    scores = balanced()
    padded = np.full((4, 5, 9), np.nan)
    padded[:, :3, :8] = scores
    found, alone = components(padded), components(scores)
    assert found.repeat == pytest.approx(alone.repeat)
    assert float(found.interaction) == pytest.approx(float(alone.interaction))
    assert (found.degrees_of_freedom, found.seeds, found.repeats.tolist()) == (8, 8, [3] * 4)
    scores[0, 0, 0] = np.nan
    found = components(scores)
    assert np.isfinite([*found.repeat, found.interaction]).all()
    weights = repeat_weights(scores)
    assert weights.sum((1, 2)) == pytest.approx(np.ones(4))
    assert weights[0].sum(1) == pytest.approx([1 / 3] * 3)


def test_studies_are_judged_side_by_side():
    studies = np.stack([balanced(seed=seed) for seed in range(3)])
    alone = [components(one).repeat for one in studies]
    np.testing.assert_allclose(components(studies).repeat, alone)


def test_columns_become_a_table():
    found = table([1, 2, 3, np.inf], ["b", "a", "a", "a"], [0, 0, 4, 4], [7, 7, 7, 5], ["b", "a", "c"])
    expected = np.full((3, 2, 2), np.nan)
    expected[0, 0, 1], expected[1, 0, 1], expected[1, 1, 1], expected[1, 1, 0] = 1, 2, 3, np.inf
    np.testing.assert_array_equal(found, expected)
    assert table([1, 2], ["b", "a"], [0, 0], [7, 7]).tolist() == [[[2]], [[1]]]


def test_columns_that_are_no_table_are_refused():
    with pytest.raises(ValueError, match=r"values: expected \(N,\) numbers without NaN.*with 1 NaN"):
        table([1, np.nan], [0, 0], [0, 0], [0, 1])
    with pytest.raises(ValueError, match=r"values: .*shapes \[\(2,\), \(1,\)"):
        table([1, 2], [0], [0, 0], [0, 1])
    with pytest.raises(ValueError, match=r"order: expected every arm, \['b'\] is missing"):
        table([1, 2], ["a", "b"], [0, 0], [0, 1], ["a"])
    with pytest.raises(ValueError, match="seeds: expected one replica for each arm, repeat and seed, got two"):
        table([1, 2], ["a", "a"], [0, 0], [1, 1])
