"""The page's section on theory: there when something of the kind was measured, and what it says then."""

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import report
from analysis.figures.dirac import MOST
from analysis.record.loading import load
from analysis.report.theory import theory
from analysis.report.writer import FigureWriter

pytestmark = pytest.mark.xdist_group("report of theory")

HOSTILE = "<script>alert('x')</script>&{}$_%"
ARMS = ("a", HOSTILE)
ENDS = {
    "critic_bound": 0.5, "induced_divergence": 0.7, "bound_gap": 0.2, "ratio_error": 0.05, "jacobian_real": -0.1,
    "jacobian_imaginary": 0.3, "jacobian_radius": 2.0, "dirac_converged": 0.4, "dirac_agreement": 0.94,
    "config.data.step.count": 10, "config.data.gamma.count": 5,
}  # fmt: skip
PARTS = ["What the critics estimate", "Eigenvalues of the Jacobian", "Maps of the Dirac-GAN"]


def rewrite(folder, **columns):
    """Set columns of both tables of a record, in history those that it has."""
    for name in ("history", "trials"):
        path = folder / f"{name}.parquet"
        held = pq.read_table(path)
        for column, value in columns.items():
            array = pa.array(np.broadcast_to(value, len(held)))
            if column in held.column_names:
                held = held.set_column(held.column_names.index(column), held.schema.field(column), array)
            elif name == "trials":
                held = held.append_column(column, array)
        pq.write_table(held, path)
    return folder


@pytest.fixture(scope="module")
def measured(simulate, tmp_path_factory):
    """The folder of a study in which everything was measured, with maps and a report."""
    folder = tmp_path_factory.mktemp("measured")
    simulate(folder, arms=ARMS, trials=1, replicas=2, confirm=4, evaluations=3)
    rewrite(folder, **ENDS)
    for trial in load(folder, []).trials["trial_id"].unique():
        pictures = folder / "trials" / trial / "pictures"
        pictures.mkdir(parents=True)
        arrays = {"distance": np.full((1, 10, 5), 1e-6), "step": np.geomspace(0.1, 1, 10), "gamma": np.arange(1.0, 6)}
        arrays |= {"radius": np.full((10, 5), 0.5), "moves": 100, "tolerance": 1e-3}
        np.savez(pictures / "00001000.npz", seeds=[0], **{f"dirac_{name}": value for name, value in arrays.items()})
    report.write(folder)
    return folder


@pytest.fixture(scope="module")
def findings(measured):
    return report.find(load(measured))


@pytest.fixture
def section(findings, measured, tmp_path):
    """The section alone, of the findings with some changed."""

    def write(folder=measured, **changed):
        found = theory(replace(findings, **changed), FigureWriter(tmp_path / "report", findings.palette), folder)
        return found and found.markup

    return write


def test_the_page_has_the_section_with_all_its_parts(measured):
    page = (measured / "report" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<h2>(.*?)</h2>", page).index("Compared with theory") == 4
    assert re.findall(r"<h3>(.*?)</h3>", page)[:3] == PARTS
    assert page.count("<script") == 1
    for name in ("critic-bound-confirm", "critic-bound-errors-confirm", "spectra-confirm", "dirac-maps"):
        for kind in ("pdf", "svg"):
            assert (measured / "report" / "figures" / f"{name}.{kind}").is_file()


def test_the_numbers_are_the_records(measured, rows):
    trials = load(measured, []).trials
    confirmed = trials[(trials["phase"] == "confirm") & (trials["outcome"] != "diverged")]
    ends = rows(measured, "critic-bound-confirm")
    assert {row["arm"]: int(row["replicas"]) for row in ends} == confirmed.groupby(
        "arm", observed=True
    ).size().to_dict()
    assert {float(row["truth less estimate"]) for row in ends} == {0.2}
    spectra = rows(measured, "spectra-confirm")
    assert {(float(row["unstable"]), float(row["radius"])) for row in spectra} == {(0.0, 2.0)}
    dirac = rows(measured, "dirac-confirm")
    assert [(row["arm"], row["cells"], float(row["as predicted"])) for row in dirac] == [
        (arm, "50", 0.94) for arm in ARMS
    ]


def test_names_from_data_are_text_in_words_and_tables(section, measured, words):
    markup = section(critic_bounds=())
    seen = words(markup)
    assert f"Of 2 arms a and {HOSTILE} ended with every leading eigenvalue on the stable side" in seen
    assert f"Cells converged in a and {HOSTILE} of 2 arms." in seen
    assert "<script" not in markup
    tex = (measured / "report" / "tables" / "spectra-confirm.tex").read_text(encoding="utf-8")
    assert r"\textless{}script\textgreater{}" in tex


def test_without_anything_of_the_kind_there_is_no_section(section):
    assert section(critic_bounds=(), spectra=(), dirac=()) is None


def test_spectra_that_were_not_found_are_counted(section, findings, words):
    lost = (replace(findings.spectra[0], unfound=3), *findings.spectra[1:])
    assert "as their eigenvalues were not found: 3 replicas." in words(
        section(critic_bounds=(), spectra=lost, dirac=())
    )


def test_a_part_that_was_not_measured_is_left_out(section):
    assert re.findall(r"<h3>(.*?)</h3>", section(critic_bounds=(), dirac=())) == [PARTS[1]]


def test_without_pictures_the_table_of_maps_stands_alone(section, tmp_path, words):
    markup = section(folder=tmp_path, critic_bounds=(), spectra=())
    assert "<svg" not in markup
    assert "The eigenvalues predicted 94 % of the cells of a and no less of any other arm's" in words(markup)


def test_where_all_is_predicted_and_nothing_converges_that_is_said(section, findings, tmp_path, words):
    none, every = (replace(findings.dirac[0].converged, estimate=value) for value in (0.0, 1.0))
    found = tuple(replace(one, converged=none, predicted=every) for one in findings.dirac)
    seen = words(section(folder=tmp_path, critic_bounds=(), spectra=(), dirac=found))
    assert "Cells converged in none of 2 arms. The eigenvalues predicted every cell of every arm" in seen


def test_many_maps_take_several_figures(section, findings, measured, tmp_path):
    trial = next(iter(findings.shown.values()))
    shown = {f"arm {k}": trial for k in range(MOST + 1)}
    found = tuple(replace(findings.dirac[0], arm=arm) for arm in shown)
    assert section(critic_bounds=(), spectra=(), shown=shown, dirac=found).count("<figure><div class=") == 2
    assert {path.name for path in (tmp_path / "report" / "figures").glob("*.svg")} == {
        "dirac-maps-1.svg", "dirac-maps-2.svg",
    }  # fmt: skip


def test_arms_stand_in_the_order_in_which_they_were_planned(measured, findings):
    record = load(measured)
    found = report.find(replace(record, trials=record.trials[::-1].reset_index(drop=True)))
    for name in ("critic_bounds", "spectra", "dirac"):
        assert [one.arm for one in getattr(found, name)] == list(findings.arms) == list(ARMS)
