import math

import numpy as np
import pytest

from analysis.record.curves import Curves
from analysis.results.spells import spells

INF = math.inf


def found(values, tail=0.33):
    """Lasting, undone, always of one replica whose evaluation k is at step 10 (k + 1)."""
    count = len(values)
    one = Curves(10 * np.arange(1, count + 1)[None], np.array([count]), {})
    seen = spells(one, np.array([values], float), 0.5, tail)
    return float(seen.lasting[0]), float(seen.undone[0]), bool(seen.always[0])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1] * 15, (INF, INF, False)),
        ([0] * 15, (10, INF, True)),
        ([1] * 5 + [0] * 10, (60, INF, False)),  # covered, then lost for good
        ([0] * 3 + [1] * 12, (INF, INF, False)),  # had yet to find the modes
        ([0] * 6 + [1] * 9, (INF, INF, False)),
        ([1] * 14 + [0], (INF, INF, False)),  # one bad last evaluation
        ([1] * 5 + [0] * 5 + [1] * 5, (INF, 60, False)),  # lost and found again
        ([1] * 5 + [0] + [1] * 9, (INF, INF, False)),  # a single one is no spell
        ([1] * 5 + [0] * 5 + [1] * 5 + [0] * 6, (160, 60, False)),  # undone, and in the end again
        ([0] * 5 + [1, 1] + [0] * 8, (10, INF, True)),  # two lucky ones in between
        ([0, 0, 1], (10, INF, True)),  # shorter than a tail: judged as a whole
        ([math.nan] * 15, (INF, INF, False)),
        ([], (INF, INF, False)),
    ],
)
def test_when_spells_began(values, expected):
    assert found(values) == expected


def test_a_longer_tail_makes_longer_spells():
    values = [1] * 10 + [0] * 6
    assert found(values, 0.3) == (110, INF, False)
    assert found(values, 1.0) == (INF, INF, False)  # by the median of all sixteen it covers the modes


def test_exactly_half_is_not_under_one_half():
    assert found([1] * 5 + [1 / 7, 6 / 7] * 5, 0.4) == (INF, INF, False)  # the median of every six is 1/2
    assert found([1] * 5 + [1 / 7, 5 / 7] * 5, 0.4) == (60, INF, False)


def test_replicas_of_unequal_lengths_are_seen_as_each_alone():
    rng = np.random.default_rng(1)
    lengths = rng.integers(0, 25, 300)
    present = np.arange(24) < lengths[:, None]
    values = np.where(present, rng.random(present.shape) < rng.uniform(0.2, 0.8, (300, 1)), np.nan)
    steps = np.where(present, 10 * (np.arange(24) + 1), -1)
    together = spells(Curves(steps, lengths, {}), values, 0.5, 0.33)
    for row, length in enumerate(lengths):
        alone = found(values[row, :length].tolist())
        assert (together.lasting[row], together.undone[row], together.always[row]) == alone
