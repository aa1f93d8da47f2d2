import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.colours import CONTRAST, CYCLE, PAPER, contrast, on_dark

HEX = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def test_contrast_is_that_of_published_pairs():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)  # WebAIM: the lightest grey of 4.5
    assert contrast("#ff0000", "#ffffff") == pytest.approx(4.0, abs=0.005)  # W3C's technique G18, examples
    assert contrast("#0000ff") == contrast(PAPER, "#0000ff")


@given(HEX)
def test_any_colour_has_the_contrast_and_changes_only_for_want_of_it(colour):
    assert contrast(on_dark(colour)) >= CONTRAST
    assert (on_dark(colour) == colour) == (contrast(colour) >= CONTRAST)
    assert contrast(on_dark(colour)) < max(contrast(colour), CONTRAST) * 1.05  # and no more than it takes


@given(HEX)
def test_a_colour_that_is_changed_is_told_from_white_paper_too(colour):
    assert on_dark(colour) == colour or contrast(on_dark(colour), "#ffffff") >= CONTRAST


def test_arms_keep_theirs_but_for_black():
    assert [on_dark(colour) == colour.lower() for colour in CYCLE] == [True] * 6 + [False]
