"""What holds for every figure: its size in print, its fonts, its files, and that nothing is read as mathematics."""

import re
import warnings
from types import SimpleNamespace

import matplotlib as mpl
import pytest
from matplotlib.text import Text

from analysis import figures
from analysis.figures.style import COLUMN, PAGE, rendered, save

EDGE = 0.03  # inches
NAMES = [
    "outcomes", "learning", "survival", "incidence", "undone", "pairs", "ranks", "ranks of many", "quality", "best",
    "profiles", "selection_bias",
    "importances", "dependence", "samples", "images", "shares", "densities", "explanation", "kink",
    "bound curves", "bound errors", "spectra", "dirac", "replica", "replica of images",
    "typical curves",
]  # fmt: skip


def test_the_names_here_are_all_there_are(drawn):
    assert sorted(NAMES) == sorted(drawn)
    assert len(figures.__all__) == len(NAMES) - 5  # "ranks of many", undone, images, kink and "replica of images"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("columns", "width"), [(1, COLUMN), (2, PAGE)])
def test_a_figure_is_as_wide_as_its_columns_and_fits_a_page(drawn, name, columns, width):
    figure = drawn[name](columns)
    assert figure.get_figwidth() == pytest.approx(width)
    assert 1.0 < figure.get_figheight() < 9.0


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_drawn_without_a_warning_and_its_text_stays_inside(drawn, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = drawn[name](2)
        figure.draw_without_rendering()
    box = figure.get_tightbbox()  # inches, of everything that is drawn
    assert box.x0 > -EDGE
    assert box.x1 < figure.get_figwidth() + EDGE
    assert box.y0 > -EDGE
    assert box.y1 < figure.get_figheight() + EDGE


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("columns", [1, 2])
def test_text_is_of_seven_points_at_least(drawn, name, columns):
    figure = drawn[name](columns)
    figure.draw_without_rendering()
    small = {text.get_text() for text in figure.findobj(Text) if text.get_text().strip() and text.get_fontsize() < 7}
    assert not small


@pytest.mark.parametrize("name", ["learning", "pairs", "samples"])
def test_files_are_vector_with_embedded_fonts_and_the_same_every_time(drawn, name, tmp_path):
    first = [path.read_bytes() for path in save(drawn[name](1), tmp_path / "a", name)]
    second = [path.read_bytes() for path in save(drawn[name](1), tmp_path / "b", name)]
    assert first == second
    pdf, svg = first
    assert pdf.startswith(b"%PDF-")
    assert b"/Type3" not in pdf
    assert re.search(rb"/Subtype /(TrueType|CIDFontType2)", pdf)
    size = re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)
    assert size is not None
    assert float(size[1]) == pytest.approx(72 * COLUMN, abs=0.1)
    assert b"<svg" in svg
    assert b"<text" not in svg  # outlines need no font


def test_what_is_drawn_does_not_hang_on_matplotlibs_settings(drawn):
    plain = rendered(drawn["quality"](1))
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "red"}):
        assert rendered(drawn["quality"](1)) == plain
        assert mpl.rcParams["font.size"] == 30


def test_names_from_data_are_text(drawn):
    words = [text.get_text() for text in drawn["quality"](2).findobj(Text)]
    assert "<$x_1$>&r1" in words


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: figures.outcome_bars([]), "outcome_bars: expected at least one arm"),
        (lambda: figures.learning_curves([], {}), "learning_curves: expected at least one curve"),
        (lambda: figures.best_of_k([], {}), "best_of_k: expected at least one arm"),
        (lambda: figures.profiles([], {}), "profiles: expected at least one arm"),
        (lambda: figures.selection_bias([], {}), "selection_bias: expected at least one winner"),
        (
            lambda: figures.incidence_curves(SimpleNamespace(curves=()), {}),
            "incidence_curves: expected at least one arm",
        ),
        (lambda: figures.quality_strips([], {}), "quality_strips: expected at least one arm"),
        (lambda: figures.importances([], {}), "importances: expected an arm with importances"),
        (lambda: figures.dependence([], {}), "dependence: expected an arm with importances"),
        (lambda: figures.samples_over_time([]), "samples_over_time: expected at least one row"),
        (lambda: figures.mode_shares([]), "mode_shares: expected at least one row"),
        (lambda: figures.density_pictures([], {}), "density_pictures: expected at least one row"),
        (lambda: figures.bound_curves([], {}), "bound_curves: expected at least one arm"),
        (lambda: figures.bound_errors([], {}), "bound_errors: expected at least one arm"),
        (lambda: figures.spectra([], {}), "spectra: expected at least one arm"),
        (lambda: figures.dirac_maps([]), "dirac_maps: expected between 1 and 15 maps, got 0"),
        (
            lambda: figures.replica_card(SimpleNamespace(quality=(), others=())),
            "replica_card: expected a replica with measurements, got none",
        ),
        (lambda: figures.explanation({"ratios": [1]}), "missing: optimal_critic, divergence"),
    ],
)
def test_nothing_to_draw_is_said(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_a_figure_has_one_column_or_two(made):
    with pytest.raises(ValueError, match="columns: expected 1 or 2 of a page, got 3"):
        figures.outcome_bars(made.outcomes, 3)
