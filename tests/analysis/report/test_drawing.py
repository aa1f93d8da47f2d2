import re
from xml.etree import ElementTree

import numpy as np
import pytest

from analysis.figures.marks import Marked, belong, mark, mark_bar
from analysis.figures.style import rendered
from analysis.report.drawing import Columns, columns, drawing, switches


def made(down=1, across=1):
    """A figure of 6 by 3 inches with two arms, of a line and three marks in every panel."""
    figure = Marked(figsize=(6, 3), layout="constrained")
    for axes in figure.subplots(down, across, squeeze=False).ravel():
        for arm in ("a", "<b>&"):
            belong(arm, *axes.plot([1, 2, 3], [1, 3, 2]))
            mark(axes, [1, 2, 3], [1, 3, 2], [f"{arm} {k}" for k in range(3)], arm)
    return figure


def read(figure, **settings):
    return ElementTree.fromstring(drawing(rendered(figure), figure, "mine", "what it <says>", **settings))


@pytest.mark.parametrize("across", [1, 2])
def test_a_drawing_is_whole_markup_without_ids_of_another_or_anything_to_fetch(across):
    figure = made(1, across)
    svg = rendered(figure)
    markup = drawing(svg, figure, "mine", "what it <says>", columns(figure))
    tree = ElementTree.fromstring(markup)
    assert tree.get("aria-label") == "what it <says>"
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    assert all(one.startswith("mine-") for one in ids)
    assert set(re.findall(r'(?:href="|url\()#([^")]*)', markup)) <= set(ids)
    assert not re.search(r"<!--|<style|<metadata|<script|https?:|<b>", markup)


def test_marks_lie_over_the_drawing_with_their_words_and_their_arm():
    figure = made()
    mark_bar(figure.axes[0], 1, 1, 2, "a bar")
    (marks,) = (one for one in read(figure) if one.get("class") == "marks")
    assert [one.findtext("title") for one in marks] == [f"{arm} {k}" for arm in ("a", "<b>&") for k in range(3)] + [
        "a bar"
    ]
    assert [one.get("data-arm") for one in marks] == ["0"] * 3 + ["1"] * 3 + [None]
    assert [one.tag for one in marks] == ["circle"] * 6 + ["rect"]


def test_parts_of_an_arm_bear_its_number():
    parts = [one for one in read(made()).iter("g") if one.get("data-arm")]
    assert [one.get("data-arm") for one in parts] == ["0", "1"]


@pytest.mark.parametrize(("down", "across"), [(1, 1), (3, 1), (1, 4), (2, 3)])
def test_columns_of_panels_are_told_apart(down, across):
    figure = made(down, across)
    rendered(figure)
    found = columns(figure)
    assert (len(found.ends) if found else 1) == across
    if found:
        rights = [axes.get_position().x1 * 6 * 72 for axes in figure.axes[: across - 1]]
        lefts = [axes.get_position().x0 * 6 * 72 for axes in figure.axes[1:across]]
        assert all(np.array(rights) <= np.array(found.ends[:-1]) + 1e-6)
        assert all(np.array(found.ends[:-1]) < lefts)
        assert found.ends[-1] == 6 * 72
        assert 0 <= found.top < found.bottom <= 3 * 72


def test_a_cut_leaves_the_line_about_a_panel_whole():
    figure = Marked(figsize=(6, 3), layout="constrained")
    first, second = figure.subplots(1, 2)
    for axes in (first, second):
        axes.set(xticks=[], yticks=[])
        axes.spines["right"].set_linewidth(4)
    rendered(figure)
    edge = first.get_position().x1 * 6 * 72
    assert edge + 2 < columns(figure).ends[0] < second.get_position().x0 * 6 * 72


def test_a_line_about_panels_at_the_edge_of_their_figure_is_no_part_of_its_own():
    figure = Marked(figsize=(6, 3))
    for left in (0.1, 0.6):
        figure.add_axes((left, 0.01, 0.3, 0.98)).set(xticks=[], yticks=[])
    rendered(figure)
    assert columns(figure)[1:] == (0, 3 * 72)


def test_a_figure_with_a_wide_column_is_not_cut():
    figure = Marked(figsize=(6, 3), layout="constrained")
    figure.subplots(1, 2, width_ratios=(5, 1))
    rendered(figure)
    assert columns(figure) is None


def test_a_figure_is_cut_into_its_columns_and_loses_nothing():
    figure = made(2, 3)
    figure.suptitle("what it is")
    figure.supxlabel("steps")
    rendered(figure)
    pieces = read(figure, cut=columns(figure))
    assert [piece.get("class") for piece in pieces] == ["above", "panels", "below"]
    boxes = [[float(one) for one in piece.get("viewBox").split()] for piece in pieces.iter("svg")]
    assert sum(width * height for _, _, width, height in boxes) == pytest.approx(6 * 3 * 72**2, rel=1e-3)
    assert len(list(pieces.iter("title"))) == len(list(read(figure).iter("title"))) == 36
    assert len([one for one in pieces.iter("use") if one.get("href") == "#mine-all"]) == 4  # and once as it is


def test_nothing_is_left_above_or_below_panels_as_high_as_their_figure():
    figure = made(1, 2)
    rendered(figure)
    assert [piece.get("class") for piece in read(figure, cut=Columns([200.0, 432.0], 0.0, 216.0))] == ["panels"]


def test_a_narrow_drawing_is_told_by_its_class():
    assert read(made(), narrow=True).get("class") == "narrow"
    assert read(made()).get("class") is None


def test_a_button_for_each_arm_waits_for_the_script():
    markup = switches(["a", "<b>"])
    assert re.findall(r"<button [^>]*>([^<]*)<", markup) == ["a", "&lt;b&gt;"]
    assert markup.count('disabled=""') == markup.count('aria-pressed="true"') == 2
