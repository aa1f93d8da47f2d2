"""What stands for each picture of a page states its result: an arm, and a number or an outcome."""

import re
from html import unescape

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import report
from analysis.report import alternatives
from analysis.report.findings import Measured
from analysis.results.best_of_k import BestOfK
from analysis.results.learning import LearningCurve, ModeShares
from analysis.results.profiles import Profile
from analysis.results.sensitivity import Sensitivity
from analysis.statistics.intervals import Band

pytestmark = pytest.mark.xdist_group("report")


def test_every_picture_of_a_page_is_told_by_its_result(page):
    told = {unescape(words) for words in re.findall(r'role="img" aria-label="([^"]*)"', page)}
    assert len(told) >= 10
    for words in told - {"TV"}:  # what an objective does is a sentence of its own
        assert re.search(r"non_saturating|least_squares|hinge", words), words
        assert re.search(r"\d|converged|collapsed|diverged", words), words
        assert not re.match(r"(?i)(a )?(figure|picture|plot|curves|bars|matrix)", words), words


def all_diverged(folder):
    """Rewrite a record so that every replica of it diverged, with no score of any kind."""
    for name in ("trials", "history"):
        path = folder / f"{name}.parquet"
        table = pq.read_table(path)
        rows = len(table)
        values = {"outcome": ["diverged"] * rows, "diverged_step": [1] * rows, "diverged": [True] * rows}
        values |= {name: [None] * rows for name in ("fid", "modes", "high_quality")}
        for column, given in values.items():
            place = table.schema.get_field_index(column)
            if place >= 0:
                field = table.schema.field(place)
                table = table.set_column(place, field, pa.array(given, field.type))
        pq.write_table(table, path)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("diverged", [False, True])
@pytest.mark.parametrize(("arms", "confirm", "replicas"), [(("a", "b"), 3, 2), (("a", "b"), 0, 2), (("a",), 1, 1)])
def test_records_with_little_in_them_have_a_page(simulate, tmp_path, words, arms, confirm, replicas, diverged):
    simulate(tmp_path, arms=arms, trials=2, replicas=replicas, confirm=confirm, evaluations=3)
    if diverged:
        all_diverged(tmp_path)
    page = report.write(tmp_path).read_text(encoding="utf-8")
    told = [unescape(said) for said in re.findall(r'role="img" aria-label="([^"]*)"', page)]
    assert told
    assert not [said for said in told if re.search(r"\bnan\b|: \.|: *$|–", said)]
    if diverged:
        phase = "confirm" if confirm else "search"
        assert f"Median of the final Fréchet distance: {', '.join(f'{arm} not finite' for arm in arms)}." in told
        assert f"profiles-{phase}" not in page
        assert "No replica has a finite final Fréchet distance: there are no profiles of it." in words(page)


def band(*estimates):
    values = np.array(estimates, np.float64)
    return Band(np.arange(len(values)) + 1.0, values, values, values, 3, "by hand", "seeds", 0.95)


def test_what_was_not_measured_is_said_so():
    nothing = Measured("fid", "min", (), (), None, ())
    assert alternatives.quality(nothing) == "Median of the final Fréchet distance: not measured."
    empty = Measured("fid", "min", (), (), None, (Profile("a", "fid", "min", "confirm", 0.1, band()),))
    for one in (nothing, empty):
        assert alternatives.profiles(one) == "No replica has a finite Fréchet distance."
    curve = LearningCurve("a", "fid", "", "confirm", 0.1, band(np.nan, np.nan), np.zeros(2, np.int64))
    assert alternatives.learning([curve]).endswith("Fréchet distance: a not measured.")
    assert alternatives.best_of_k([]) == "Best score, configurations: not measured."
    best = BestOfK("a", "fid", "min", 2, 0.1, band(np.inf, np.inf), band(np.inf, np.inf), np.ones(2))
    assert alternatives.best_of_k([best]) == "Best Fréchet distance, configurations: a not finite after 2."
    none = Sensitivity("a", "quality", 2, (), (), (), None, "too few")
    assert alternatives.importances([none]) == "What matters most: not measured."
    assert alternatives.dependence([none]) == "What the response changes most with: not measured."
    assert alternatives.bound_errors([]) == "Median of the truth less the estimate: not measured."


def test_modes_are_counted_where_a_replica_was_last_measured():
    relative = np.full((3, 2, 4), np.nan)
    relative[0] = 1.0
    relative[1, 0] = 4.0, 0.0, 0.0, 0.0
    row = ModeShares("a", "t", np.arange(3), np.arange(2), relative)
    assert alternatives.mode_shares([row]).endswith("seed by seed: a 4, 1 and not measured.")


def test_a_replica_that_was_not_judged_is_said_so():
    trials = pd.DataFrame({"trial_id": ["t", "t"], "seed": [0, 1], "outcome": ["converged", None]})
    for kept in (trials, trials.astype({"outcome": "category"})):
        said = alternatives.samples([("a", "t", 0), ("b", "t", 1), ("c", "u", 0)], kept)
        assert said.endswith("a converged, b not judged, c not judged.")
