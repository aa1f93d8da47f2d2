import colorsys
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from analysis.figures.style import COLOURS, DASHES, MARKERS, OUTCOME_LOOKS, palette, shortened

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


def test_long_names_lose_their_middle():
    assert shortened(["non_saturating,none"], 30) == ["non_saturating,none"]
    assert shortened(["non_saturating,gradient_penalty", "hinge"], 12) == ["non_sa…nalty", "hinge"]
    assert len(shortened(["x" * 99], 12)[0]) == 12


def test_names_that_would_be_cut_to_the_same_are_cut_about_what_they_differ_in():
    names = [f"alpha_loss_alpha_d={value},alpha_g=1" for value in ("0.5", "1")]
    assert shortened(names, 16) == ["…ss_alpha_d=0.5…", "…ss_alpha_d=1…"]
    assert shortened(["beginning_1_long_ending", "beginning_2_long_ending"], 9) == ["…nning_1…", "…nning_2…"]
    assert shortened(["beginning_1", "beginning_2"], 9) == ["begi…ng_1", "begi…ng_2"]  # differ anyway


@given(st.lists(st.text("ab_", max_size=12), min_size=1, max_size=5), st.integers(5, 14))
def test_short_names_are_no_longer_than_asked(names, longest):
    assert all(len(name) <= longest for name in shortened(names, longest))
