import os

import pytest

from analysis.figures import own_style
from analysis.figures.own_style import in_style, read_style
from analysis.figures.style import COLOURS, new, palette, rendered, styled

LAB = """# of the lab
font.family: DejaVu Serif
axes.prop_cycle: cycler("color", ["#112233", "red"])
lines.linewidth: 2.5  # thick
xtick.color: "#0072b2"
"""


@pytest.fixture
def lab(tmp_path):
    path = tmp_path / "lab.mplstyle"
    path.write_text(LAB)
    return read_style(path)


@styled
def drawn():
    figure = new(1, 1.0)
    figure.subplots().plot([0, 1], [0, 1])
    return figure


def test_a_file_is_read_as_matplotlib_reads_it(lab):
    assert (lab["font.family"], lab["lines.linewidth"], lab["xtick.color"]) == (["DejaVu Serif"], 2.5, "#0072b2")


def test_within_it_figures_and_arms_follow_it_and_afterwards_their_own(lab):
    before = rendered(drawn())
    with in_style(lab):
        figure = drawn()
        assert figure.axes[0].lines[0].get_linewidth() == 2.5
        assert [look.colour for look in palette(["a", "b", "c"]).values()] == ["#112233", "#ff0000", "#112233"]
        assert rendered(figure) != before
    assert rendered(drawn()) == before
    assert palette(["a"])["a"].colour == COLOURS[0]
    assert own_style.settings() == {}


def test_a_style_without_a_cycle_leaves_the_arms_their_colours():
    with in_style({"lines.linewidth": 2.0}):
        assert palette(["a"])["a"].colour == COLOURS[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nfoo", "line 2: expected “name: value”, got 'foo'"),
        ("lines.linewidth: x", "line 1: Key lines.linewidth: Could not convert 'x' to float"),
        ("axes.nope: 3", "line 1: expected one of matplotlib's settings of how figures look, got axes.nope"),
        ("savefig.dpi: 30", "line 1: expected one of matplotlib's settings of how figures look, got savefig.dpi"),
        ("axes.prop_cycle: cycler('marker', ['o'])", "line 1: axes.prop_cycle: expected a cycle of color, got cycler("),
        ("axes.prop_cycle: __import__('os')", "line 1: Key axes.prop_cycle: "),
        ("font.family: No Such Font", ": expected a font that is installed, got No Such Font"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(text, said, tmp_path):
    path = tmp_path / "bad"
    path.write_text(text)
    with pytest.raises(ValueError, match="bad") as raised:
        read_style(path)
    assert said in str(raised.value)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"pipe: expected a file of matplotlib's settings, got a device or a pipe"):
        read_style(tmp_path / "pipe")
