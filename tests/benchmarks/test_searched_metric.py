import numpy as np
import pytest

from benchmarks import searched_metric as s
from benchmarks.candidates import candidates
from benchmarks.measuring import Measured
from trainables.data import load

NAMES = ("fid", "mass_js")


def group(seed):
    """Forty generators whose truths are one number, which mass_js shows and of which fid knows nothing."""
    random = np.random.default_rng(seed)
    truth = np.broadcast_to(random.uniform(0, 1, 40), (5, 2, 40))
    values = np.stack([random.uniform(0, 1, (2, 40)), truth[0]])
    return Measured(tuple(str(i // 2) for i in range(40)), values, truth, np.array([1.0, 3.0]))


@pytest.fixture(scope="module")
def found():
    return s.verdicts(NAMES, [group(0), group(1)])


def test_the_truth_is_told_from_noise(found):
    fid, mass = found
    assert mass.truths == pytest.approx(1)
    assert mass.better == pytest.approx(1)
    assert (mass.kendall, mass.repeated) == pytest.approx((1, 1))
    assert not mass.wrong.any()
    assert not mass.lost.any()
    assert mass.gain == pytest.approx((0, 0, 0))
    assert mass.cost == 3
    assert abs(fid.truths[0]) < 0.4
    assert fid.interval[0] < fid.truths[0] < fid.interval[1] < 1
    assert fid.wrong == pytest.approx(0.5, abs=0.15)
    assert fid.lost == pytest.approx(1 / 2 - 1 / 5, abs=0.12)  # of one at random, against the best of four
    assert fid.gain[2] < 0


def test_the_tables_say_so(found):
    assert "| mass_js | 0.98 | 1.00 [1.00, 1.00] |  | 1.00 | 0.0% | 0.0% | 0.000 | 0.000 | 1.00 | 3 |" in s.ranking(
        found
    )
    assert "| mass_js | 1.00 | 1.00 | 1.00 | 1.00 | 1.00 | 1.00 | 1.00 |" in s.other_truths(found)


def test_what_a_candidate_does_not_see_is_bold():
    apart = {"ring": {"blob": np.array([0.4, 80.0])}, "grid": {"blob": np.array([12.0, 70.0])}}
    assert s.degradations(NAMES, apart).splitlines()[2:] == ["| fid | **0, 12** |", "| mass_js | 80, 70 |"]


def test_every_candidate_was_predicted():
    assert set(s.PREDICTED) == set(candidates(load(name="ring", points=2000), 500))
