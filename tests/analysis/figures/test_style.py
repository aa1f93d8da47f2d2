import colorsys
from itertools import combinations, pairwise

from matplotlib.colors import to_rgb

from analysis.figures.style import COLOURS, DASHES, MARKERS, OUTCOME_LOOKS, palette, short

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
    assert short("non_saturating,none", 30) == "non_saturating,none"
    assert short("non_saturating,gradient_penalty", 12) == "non_sa…nalty"
    assert len(short("x" * 99, 12)) == 12
