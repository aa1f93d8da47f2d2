import re

import pytest
from matplotlib.figure import Figure

from analysis import colours
from analysis.colours import CONTRAST, PAPER, contrast, on_dark
from analysis.figures.dirac import COLOURS
from analysis.figures.marks import Marked, keep_colours
from analysis.figures.own_style import in_style
from analysis.figures.style import OUTCOME_LOOKS, palette, rendered
from analysis.report.dark import THEMED, followed, painted, rules
from analysis.report.drawing import drawing
from analysis.report.stylesheet import CSS
from analysis.report.writer import FigureWriter


def variables(rule):
    """The variables that a rule of the style sheet sets, as `#rrggbb` where they are colours of three digits, too."""
    (block,) = re.findall(rf"{re.escape(rule)} \{{([^}}]*)\}}", CSS)
    found = dict(re.findall(r"(--\w+): (#\w+)", block))
    return {name: re.sub(r"^#(\w)(\w)(\w)$", r"#\1\1\2\2\3\3", value) for name, value in found.items()}


LIGHT, DARK = variables("\n:root"), variables("  :root")


def test_on_paper_the_variables_are_the_colours_that_figures_are_drawn_in():
    assert {LIGHT[name]: name for name in THEMED.values()} == THEMED
    assert variables("\n.drawn").items() >= {name: colour for colour, name in THEMED.items()}.items()


def test_a_dark_page_sets_every_variable_anew_and_has_its_paper():
    assert DARK.keys() == LIGHT.keys()
    assert DARK["--paper"] == PAPER
    for name in ("--ink", "--muted", "--black"):
        assert contrast(DARK[name]) > 4.5
    for ground in ("--grid", "--stable"):  # what is written on it is read
        assert contrast(DARK["--ink"], DARK[ground]) > 4.5


@pytest.mark.parametrize("colour", [*colours.CYCLE, *(look for look, _ in OUTCOME_LOOKS.values()), *COLOURS])
def test_every_colour_of_ours_is_told_from_a_dark_page(colour):
    shown = DARK["--black"] if colour == "#000000" else on_dark(colour)
    assert contrast(shown) >= CONTRAST


def test_arms_have_the_same_colours_on_either_page_but_for_black():
    assert [painted(colour) for colour in colours.CYCLE] == [*colours.CYCLE[:-1], "var(--black)"]


def test_paint_alone_is_changed_in_fills_strokes_and_hatches():
    markup = '<rect width="9" fill="#ffffff"/><path d="#ffffff" style="fill: #1b1b1f; stroke: #112233; opacity: .3"/>'
    assert followed(markup) == (
        '<rect width="9" style="fill: var(--paper)"/>'
        '<path d="#ffffff" style="fill: var(--ink); stroke: var(--on-112233, #112233); opacity: .3"/>'
    )


def test_rules_are_of_the_colours_used_and_spare_what_keeps_its_own():
    assert rules("<p>#112233</p>") == ""
    said = rules(followed('style="fill: #112233"') + painted("#0072B2") + painted("#112233"))
    assert said.startswith("@media screen and (prefers-color-scheme: dark) {")  # not in print
    assert re.findall(r"--on-(\w+): ([^;]+);", said) == [("112233", on_dark("#112233")), ("112233", "initial")]
    assert ".drawn { --on-112233: initial; }" in said


def test_what_stands_on_pixels_keeps_its_colours():
    figure = Marked(figsize=(2, 2))
    kept, free = figure.text(0.2, 0.2, "a", color="white"), figure.text(0.5, 0.5, "b", color="white")
    keep_colours(kept)
    markup = drawing(rendered(figure), figure, "mine", "")
    assert markup.count('<g class="drawn">') == 1
    assert "coloured-" not in markup
    plain = Figure()
    keep_colours(plain.text(0, 0, "a"))  # one without marks has no page
    assert free.get_gid() is None


def drawn(columns):
    figure = Marked(figsize=(3, 2))
    figure.subplots().plot([1, 2])
    return figure


@pytest.mark.parametrize(
    ("settings", "kept"),
    [({}, False), ({"lines.linewidth": 2.0}, False), ({"text.color": "#333"}, True), ({"axes.facecolor": "w"}, True)],
)
def test_a_style_with_colours_of_its_own_keeps_the_paper_that_they_were_chosen_for(settings, kept, tmp_path):
    with in_style(settings):
        markup = FigureWriter(tmp_path, {}).figure("mine", drawn, "", "")
    assert ('<div class="drawn">' in markup) == kept


def test_a_style_s_cycle_is_kept_but_for_a_dark_page_that_would_not_show_it(tmp_path):
    from cycler import cycler

    with in_style({"axes.prop_cycle": cycler("color", ["#112233", "#ffcc00"])}):
        writer = FigureWriter(tmp_path, palette(["a", "b"]))
        assert 'style="background:var(--on-112233, #112233)"' in writer.arm("a")
        assert 'style="background:#ffcc00"' in writer.arm("b")
        assert "drawn" not in writer.figure("mine", drawn, "", "")


def test_the_page_has_no_colour_of_paper_or_ink_and_its_files_have_plain_ones(written, page):
    pictures = re.findall(r"<svg.*?</svg>", page, re.S)
    assert len(pictures) > 10
    for colour in THEMED:
        assert not any(f": {colour}" in one or f'"{colour}"' in one for one in pictures)
    assert all(f"var({name})" in page for name in ("--paper", "--ink", "--muted", "--grid"))
    for file in (written / "report" / "figures").glob("*.svg"):
        text = file.read_text(encoding="utf-8")
        assert "fill: #ffffff" in text
        assert "var(" not in text


def test_a_colour_too_dark_is_made_lighter_by_the_whole_page(simulated, tmp_path, undrawn):
    import shutil

    from cycler import cycler

    from analysis import report

    folder = shutil.copytree(simulated, tmp_path / "study")
    with in_style({"axes.prop_cycle": cycler("color", ["#112233"])}):
        text = report.write(folder).read_text(encoding="utf-8")
    assert f":root {{ --on-112233: {on_dark('#112233')}; }}" in text
