import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.marks import Marked, belong, few, mark, mark_bar, spots
from analysis.figures.style import rendered


@pytest.fixture
def axes():
    found = Marked(figsize=(2, 1), dpi=100).add_axes((0.25, 0.2, 0.5, 0.5))
    found.set(xlim=(0, 10), ylim=(0, 4))
    return found


def test_a_mark_lies_where_its_point_does(axes):
    mark(axes, [0, 10], [0, 4], ["a", "b"])
    first, second = spots(axes.figure, 10)
    assert (first.x, first.y, first.width) == pytest.approx((36, 57.6, 0))  # 0.25 of 144 points; 0.8 of 72 from above
    assert (second.x, second.y) == pytest.approx((108, 21.6))
    assert [first.words, second.words] == ["a", "b"]


def test_a_bar_is_as_long_as_it_is_and_as_high_as_1(axes):
    mark_bar(axes, 2, 5, 1, "bar", "hinge")
    (found,) = spots(axes.figure, 10)
    assert found[:4] == pytest.approx((36 + 0.2 * 72, 57.6 - 0.375 * 36, 36, 9))
    assert found.arm == "hinge"


def test_what_is_not_finite_or_beyond_the_axes_is_no_mark(axes):
    mark(axes, [np.nan, 5, 11, 5], [1, np.inf, 1, 1], list("abcd"))
    assert [one.words for one in spots(axes.figure, 10)] == ["d"]


def test_many_marks_are_thinned_evenly(axes):
    mark(axes, np.linspace(0, 10, 100), np.ones(100), [str(k) for k in range(100)])
    assert [one.words for one in spots(axes.figure, 25)] == [str(k) for k in range(0, 100, 4)]


def test_parts_of_an_arm_are_told_in_the_file(axes):
    for arm in ("a", "b", "a"):
        belong(arm, *axes.plot([1, 2], [1, 2]))
    assert axes.figure.arms == {"a": 2, "b": 1}
    svg = rendered(axes.figure).decode()
    assert [f'<g id="arm-{part}">' in svg for part in ("0-0", "1-0", "0-1", "1-1")] == [True, True, True, False]


def test_a_figure_of_another_kind_has_none():
    axes = Figure().subplots()
    mark(axes, [1], [1], ["a"])
    belong("a", *axes.plot([1], [1]))
    assert spots(axes.figure, 10) == []


def test_few_of_many_replicas_are_named():
    assert few(["a", "b"]) == ["a", "b"]
    assert few([str(k) for k in range(11)]) == [*map(str, range(8)), "and 3 more"]


@pytest.mark.parametrize("name", ["outcomes", "learning", "survival", "incidence", "quality", "best", "profiles"])
def test_every_point_that_is_drawn_tells_its_values(drawn, made, name):
    figure = drawn[name](2)
    rendered(figure)
    found = spots(figure, 10_000)
    arms = {one.arm for one in made.quality}
    assert {one.arm for one in found} == arms
    if name == "quality":
        seen = sum(int(np.isfinite(one.values).sum()) for one in made.quality)
        assert len(found) == seen + len(made.quality)  # and the medians
        assert sum("seed" in one.words for one in found) == seen
    if name == "learning":
        assert len(found) == sum(len(one.band.x) for one in made.learning)
        assert all("16 replicas" in one.words for one in found)
    if name == "outcomes":
        assert len(found) == sum(share.estimate > 0 for one in made.outcomes for share in one.probabilities.values())
