import colorsys
import re
import zlib
from io import BytesIO
from itertools import combinations, pairwise

from fontTools.ttLib import TTFont
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from analysis.figures.style import COLOURS, DASHES, MARKERS, OUTCOME_LOOKS, new, palette, rendered, short, styled

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


class Counted(Line2D):
    """A line that counts how often it is drawn."""

    drawn = 0

    def draw(self, renderer):
        self.drawn += 1
        super().draw(renderer)


@styled
def counting():
    figure = new(1, 1.5)
    axes = figure.subplots()
    axes.set_title("the title")
    axes.add_line(Counted([0, 1], [0, 1]))
    return figure


def test_a_figure_is_laid_out_once_and_drawn_once_for_a_file():
    figure = counting()
    (line,) = figure.axes[0].lines
    rendered(figure, "svg")
    assert line.drawn == 1
    place = figure.axes[0].get_position().bounds
    rendered(figure, "pdf")
    assert line.drawn == 2
    assert figure.axes[0].get_position().bounds == place


def test_a_font_in_a_pdf_has_the_letters_in_use_and_nothing_to_place_them():
    content = rendered(counting(), "pdf")
    streams = [zlib.decompress(found) for found in re.findall(rb"stream\n(.*?)\nendstream", content, re.DOTALL)]
    (font,) = (TTFont(BytesIO(stream)) for stream in streams if stream.startswith(b"\0\1\0\0"))
    assert set("the title") <= set(map(chr, font.getBestCmap()))
    assert not {"GDEF", "GPOS", "GSUB"} & set(font.keys())
