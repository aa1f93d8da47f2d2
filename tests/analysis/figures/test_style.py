import colorsys
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from analysis.figures.style import (
    COLOURS,
    DASHES,
    MARKERS,
    OUTCOME_LOOKS,
    arms_in_order,
    new,
    number,
    palette,
    scale_axis,
    short,
)

OKABE_ITO = {  # Okabe & Ito (2008), Color Universal Design
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
}  # fmt: skip


def test_colours_are_okabe_and_itos_without_the_yellow_that_white_paper_swallows():
    assert set(COLOURS) == OKABE_ITO - {"#F0E442"}


def test_an_arm_keeps_its_style_when_others_are_added():
    few, many = palette(["a", "b"]), palette(["a", "b", "c", "d"])
    assert {arm: many[arm] for arm in few} == few


def test_neighbours_differ_in_colour_dash_and_marker_and_hundreds_in_one_of_them():
    looks = list(palette(f"arm {k}" for k in range(385)).values())
    assert len({(look.colour, str(look.dash), look.marker) for look in looks}) == 385
    for one, other in pairwise(looks):
        assert (one.colour, str(one.dash), one.marker) != (other.colour, str(other.dash), other.marker)
        assert one.colour != other.colour
        assert str(one.dash) != str(other.dash)
    assert len(DASHES) == 5
    assert len(MARKERS) == 11


def test_five_arms_are_told_apart_in_grey_by_their_dashes_alone():
    assert len({str(look.dash) for look in palette("abcde").values()}) == 5


def test_outcomes_differ_in_grey_by_lightness_or_hatch():
    def lightness(colour):
        return colorsys.rgb_to_hls(*to_rgb(colour))[1]

    for (one, hatch), (other, other_hatch) in combinations(OUTCOME_LOOKS.values(), 2):
        assert hatch != other_hatch or abs(lightness(one) - lightness(other)) > 0.1


def trials(arms, started, study="s"):
    return pd.DataFrame({"study": study, "arm": arms, "started": pd.to_datetime(started, utc=True), "index": 0})


def test_arms_stand_in_the_order_in_which_they_were_planned():
    before = trials(["b", "a"], ["2026-01-01", "2026-01-02"])
    after = pd.concat([trials(["0 new"], ["2026-02-01"]), before])
    assert arms_in_order(before) == ["b", "a"]
    assert arms_in_order(after) == ["b", "a", "0 new"]


def test_arms_of_joined_studies_stand_study_by_study():
    both = pd.concat([trials(["one/a"], ["2026-01-02"], "one"), trials(["two/a"], ["2026-01-01"], "two")])
    assert arms_in_order(both) == ["one/a", "two/a"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0123456, "0.0123"), (0, "0"), (12345.6, "12\u2009346"), (-0.5, "−0.500"), (np.nan, "–"), (np.inf, "∞"),
        (-np.inf, "−∞"), (1.5e-7, "1.50·10⁻⁷"), (2e6, "2.00·10⁶"), (99.96, "100.0"), (7, "7.00"),
    ],
)  # fmt: skip
def test_numbers_are_written_for_readers(value, words):
    assert number(value) == words


def test_an_axis_is_logarithmic_where_positive_values_span_much():
    def scale(values, log=None):
        axes = new(1, 2).subplots()
        return scale_axis(axes, "y", values, log), axes.get_yscale()

    assert scale([0.01, 1.0]) == (True, "log")
    assert scale([0.5, 1.0]) == (False, "linear")
    assert scale([-1.0, 100.0]) == (False, "linear")
    assert scale([np.nan, np.inf]) == (False, "linear")
    assert scale([0.01, 1.0], log=False) == (False, "linear")


def test_ticks_of_a_logarithmic_axis_are_plain_text():
    axes = new(1, 2).subplots()
    scale_axis(axes, "x", [1e-6, 1.0])
    assert [axes.xaxis.get_major_formatter()(x) for x in (1e-6, 0.01, 1.0)] == ["10⁻⁶", "0.01", "1"]


def test_long_names_lose_their_middle():
    assert short("non_saturating,none", 30) == "non_saturating,none"
    assert short("non_saturating,gradient_penalty", 12) == "non_sa…nalty"
    assert len(short("x" * 99, 12)) == 12
