from dataclasses import dataclass, replace

import pytest

from analysis.results.paired import pair_of


@dataclass(frozen=True)
class Ahead:
    a: str
    b: str
    by: int

    def turned(self):
        return replace(self, a=self.b, b=self.a, by=-self.by)


PAIRS = (Ahead("a", "b", 1), Ahead("c", "a", 2), Ahead("b", "c", 3))


def test_the_arm_that_is_asked_for_first_comes_first():
    assert pair_of(PAIRS, "abc", "b", "c") is PAIRS[2]
    assert pair_of(PAIRS, "abc", "a", "c") == Ahead("a", "c", -2)


@pytest.mark.parametrize("other", ["a", "d"])
def test_an_arm_has_no_pair_with_itself_or_with_one_that_is_not_there(other):
    with pytest.raises(KeyError, match=f"no pair of the arms 'a' and '{other}'; there are a, b, c"):
        pair_of(PAIRS, "abc", "a", other)
