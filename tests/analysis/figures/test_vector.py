import re
import zlib
from io import BytesIO

import pytest
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from matplotlib.font_manager import findfont
from matplotlib.lines import Line2D

from analysis.figures.style import new, rendered, styled, vector_files


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
    axes.scatter([0.2, 0.4], [0.5, 0.5], rasterized=True)
    return figure


def streams(pdf):
    return [zlib.decompress(found) for found in re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)]


def numbers(pdf):
    (drawing,) = (stream for stream in streams(pdf) if b" BT" in stream or b"BT\n" in stream)
    return [float(word) for word in drawing.split() if re.fullmatch(rb"-?[\d.]+", word)]


def test_both_files_come_from_one_drawing_and_are_those_drawn_alone():
    figure = counting()
    (line,) = figure.axes[0].lines
    svg, pdf = vector_files(figure)
    assert line.drawn == 1
    assert svg == rendered(figure, "svg")
    assert numbers(pdf) == pytest.approx(numbers(rendered(figure, "pdf")), abs=0.1)  # points
    assert line.drawn == 3


@pytest.mark.parametrize("name", ["learning", "pairs", "samples", "dirac"])
def test_figures_of_every_make_are_the_same_at_once_and_alone(drawn, name):
    figure = drawn[name](2)
    svg, pdf = vector_files(figure)
    assert svg == rendered(figure, "svg")
    assert numbers(pdf) == pytest.approx(numbers(rendered(figure, "pdf")), abs=0.1)


def test_a_font_in_a_pdf_has_the_letters_in_use_and_nothing_to_place_them():
    for pdf in (vector_files(counting())[1], rendered(counting(), "pdf")):
        (font,) = (TTFont(BytesIO(stream)) for stream in streams(pdf) if stream.startswith(b"\0\1\0\0"))
        assert set("the title") <= set(map(chr, font.getBestCmap()))
        assert not {"GDEF", "GPOS", "GSUB", "MATH", "kern"} & set(font.keys())


@pytest.mark.parametrize("letters", ["Größe −3·10⁻² ≥ µ", "Größe Ж"])
def test_letters_are_the_fonts_own_the_usual_ones_and_others(letters):
    figure = counting()
    figure.axes[0].set_title(letters)
    expected = _outlines(TTFont(findfont("DejaVu Sans")))
    for pdf in (vector_files(figure)[1], rendered(figure, "pdf")):
        found = {}
        for stream in streams(pdf):
            if stream.startswith(b"\0\1\0\0"):  # a font for each block of characters
                found |= _outlines(TTFont(BytesIO(stream)))
        assert set(letters) <= found.keys()
        assert found == {letter: expected[letter] for letter in found}


def _outlines(font):
    """How a font draws each of its letters, and how far it then moves on."""
    glyphs, found = font.getGlyphSet(), {}
    for character, name in font.getBestCmap().items():
        pen = DecomposingRecordingPen(glyphs)
        glyphs[name].draw(pen)
        found[chr(character)] = (pen.value, glyphs[name].width)
    return found
