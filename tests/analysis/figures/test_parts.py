"""Many arms: each gets a panel in which it alone has its colour and its band."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from analysis.colours import RULE
from analysis.figures import learning_curves, profiles, survival_curves
from analysis.figures.parts import TOGETHER
from analysis.figures.style import palette
from analysis.results.learning import LearningCurve
from analysis.results.profiles import Profile
from analysis.results.survival import Survival, SurvivalCurve
from analysis.statistics.intervals import Band, Interval

X = np.array([0.0, 1.0, 2.0])


def band(place):
    estimate = np.array([0.2, 0.5, 0.9]) - place / 100
    return Band(X, estimate, estimate - 0.1, estimate + 0.05, 16, "by hand", "seeds")


def arms(count):
    return [f"arm-{place}" for place in range(count)]


def profile(arm, place):
    return Profile(arm=arm, metric="fid", mode="min", phase="confirm", band=band(place), floor=0.5)


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_title(loc="left").startswith("arm-")]


def test_up_to_six_share_one_panel():
    figure = profiles([profile(arm, k) for k, arm in enumerate(arms(TOGETHER))], palette(arms(TOGETHER)), columns=2)
    [axes] = figure.axes
    assert len(axes.collections) == TOGETHER
    assert len(figure.legends) == 1


@pytest.mark.parametrize("columns", [1, 2])
def test_more_have_a_panel_each_with_the_others_behind(columns):
    names = arms(TOGETHER + 1)
    looks = palette(names)
    figure = profiles([profile(arm, k) for k, arm in enumerate(names)], looks, columns=columns)
    panels = panels_of(figure)
    assert [axes.get_title(loc="left") for axes in panels] == names
    assert not figure.legends
    for arm, axes in zip(names, panels, strict=True):
        colours = {line.get_label(): to_hex(line.get_color()) for line in axes.lines if line.get_label() in names}
        assert colours.keys() == set(names)
        assert colours[arm] == looks[arm].colour.lower()
        assert {colours[other] for other in names if other != arm} == {RULE}
        assert [line.get_label() for line in axes.lines if line.get_label() in names][-1] == arm
        [shaded] = axes.collections
        assert to_hex(shaded.get_facecolor()[0]) == looks[arm].colour.lower()


def test_survival_keeps_the_numbers_at_risk_of_all():
    names = arms(9)
    middle = Interval(1.0, 0.5, 1.5, 16, "by hand", "seeds")
    curves = [
        SurvivalCurve(arm, "failure", band(k), np.array([16, 12, 7]), np.full(7, 2.0), 9, 16, middle)
        for k, arm in enumerate(names)
    ]
    figure = survival_curves(Survival("failure", "confirm", tuple(curves), None, ()), palette(names), columns=2)
    assert len(panels_of(figure)) == len(names)
    [table] = [axes for axes in figure.axes if axes.get_title(loc="left") == "replicas at risk"]
    assert [label.get_text() for label in table.get_yticklabels()] == names
    assert [text.get_text() for text in table.texts].count("7") == len(names)


def test_learning_curves_of_many_have_no_bands():
    def drawn(count):
        names = arms(count)
        curves = [
            LearningCurve(arm, "fid", "data²", "confirm", np.nan, band(k), np.full(3, 16))
            for k, arm in enumerate(names)
        ]
        return len(learning_curves(curves, palette(names)).axes[0].collections)

    assert (drawn(TOGETHER), drawn(TOGETHER + 1)) == (TOGETHER, 0)
