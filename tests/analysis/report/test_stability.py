"""What the section on stability says of events that never came, and of the signals that outcomes are judged by."""

import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.figures.style import palette
from analysis.record.schema import OUTCOMES
from analysis.report import stability as section
from analysis.report import tables
from analysis.report.page import joined, tag
from analysis.results.compare import STABILITY_SIGNALS, ArmOutcomes, ArmSignal
from analysis.results.incidence import Incidences
from analysis.results.survival import KINDS, Survival, kinds_of
from analysis.results.threshold_table import ThresholdTable
from analysis.results.thresholds import Thresholds
from analysis.statistics.incidence import incidence
from analysis.statistics.intervals import Interval
from analysis.statistics.kaplan_meier import kaplan_meier
from analysis.statistics.restricted_mean import restricted_mean


class Unwritten:
    """A writer that keeps the names of figures and tables, and writes captions only."""

    def __init__(self):
        self.names = []

    def figure(self, name, figure, caption, alt):
        self.names.append(name)
        return tag("p", caption)

    def table(self, table):
        self.names.append(table.name)
        return joined([])


def survived(event, counts):
    """Eight replicas of one arm, some of which met the event at step 100."""
    observed = np.arange(8) < counts[event]
    time = np.where(observed, 100.0, 400.0)
    curve = kaplan_meier(time, observed, arm="a", event=event)
    means = (restricted_mean(time, observed, 100.0),)
    return Survival(event, "confirm", (curve,), None, (), "updates", means, kinds=kinds_of(event, counts))


def competing(event, count):
    """The same of a kind of failure."""
    curve = incidence(
        np.where(np.arange(8) < count, 100.0, 400.0), np.where(np.arange(8) < count, event, ""), event, arm="a"
    )
    return Incidences(event, "confirm", (curve,), 400.0, (curve.at(400.0),), np.nan)


def signal(arm, name, value):
    return ArmSignal(arm, name, Interval(value, value / 2, 2 * value, 8, "bootstrap", "seeds"))


@pytest.fixture
def stability(words):
    """`stability(**counts)`: the section's text and what was written, of a study in which so many replicas met each
    event."""
    return partial(_stability, words)


def _stability(words, signals=(), evaluations=20, **counts):
    shares = {name: Interval(0.0, 0.0, 0.3, 8, "Wilson", "seeds") for name in OUTCOMES if name != "failed"}
    shares["converged"] = Interval(1.0, 0.7, 1.0, 8, "Wilson", "seeds")
    arm = ArmOutcomes("a", 8, 1, 0, 0, shares)
    survival = tuple(survived(event, counts) for event in ("failure", "undone") if event in counts)
    incidences = tuple(competing(event, counts[event]) for event in KINDS if event in counts)
    findings = SimpleNamespace(
        record=SimpleNamespace(
            about={"config": {"budget": {"evaluations": evaluations}}},
            trials=pd.DataFrame(columns=["modes", "high_quality", "fid", "dirac_converged"]),
        ),
        outcomes={"confirm": [arm]},
        phase="confirm",
        searches={"a": 1},
        rates={},
        survival=survival,
        incidence=incidences,
        signals=signals,
        palette=palette(["a"]),
    )
    writer = Unwritten()
    return words(section.stability(findings, writer).markup), writer.names


@pytest.mark.parametrize(
    ("counts", "said", "curves"),
    [
        (
            {"failure": 0, "diverged": 0, "collapsed": 0, "frozen": 0, "undone": 0},
            "No replica diverged, froze or collapsed for good. No replica collapsed and recovered.",
            [],
        ),
        (
            {"failure": 0, "diverged": 0, "collapsed": 0, "frozen": 0, "undone": 2},
            "No replica diverged, froze or collapsed for good.",
            ["undone"],
        ),
        (
            {"failure": 3, "diverged": 0, "collapsed": 3, "frozen": 0, "undone": 0},
            "No replica diverged. No replica froze. No replica collapsed and recovered.",
            ["failure", "collapsed"],
        ),
        ({"failure": 2, "diverged": 1, "frozen": 1}, "", ["failure", "diverged", "frozen"]),  # data without modes
        ({"failure": 0, "diverged": 0, "frozen": 0}, "No replica diverged or froze.", []),
        ({"failure": 0, "diverged": 0}, "No replica diverged.", []),  # maps of Dirac-GANs
    ],
)
def test_what_never_happened_is_said_and_what_did_is_drawn(counts, said, curves, stability):
    text, names = stability(**counts)
    assert " ".join(re.findall(r"No replica [a-z, ]+\.", text)) == said
    drawn = [name for name in names if name.endswith(tuple(counts))]
    assert drawn == [f"{'incidence' if event in KINDS else 'survival'}-{event}" for event in curves]
    assert ("incidence-confirm" in names) == (counts["failure"] > 0)


def test_few_evaluations_are_told_of_beside_the_outcomes(stability):
    assert "told from" not in stability(failure=0)[0]
    assert "These outcomes are told from 5 evaluations of a replica" in stability(evaluations=5, failure=0)[0]


def test_a_failure_is_explained_where_it_is_drawn(stability):
    text, _ = stability(failure=3, diverged=3, frozen=0, collapsed=0)
    assert "without failure (divergence, freezing or a collapse that lasts) over training" in text
    assert "without failure (divergence) over training" in stability(failure=3, diverged=3)[0]  # all that could be seen
    assert "Share of replicas that had met divergence by then (Aalen and Johansen)" in text


def test_signals_have_a_table(stability):
    assert stability([signal("a", "near", 0.5)], failure=0)[1][-1] == "signals-confirm"


def test_the_table_of_signals_has_a_column_for_each_that_was_measured():
    measured = [signal("a", name, 0.1 * k) for k, name in enumerate(STABILITY_SIGNALS, 1)]
    table = tables.signal_table([*measured, signal("b", "near", 0.5)], "confirm")
    assert [head.name for head in table.heads] == [
        "arm", "share of the tail near the data", "share of modes that hold mass", "hop rate", "swing of quality",
        "progress of quality", "|critic accuracy − ½|",
    ]  # fmt: skip
    assert table.rows[0] == ("a", *(one.interval for one in measured))
    assert table.rows[1] == ("b", signal("b", "near", 0.5).interval, None, None, None, None, None)
    assert "medians over replicas that ended without failing, with 95 % intervals, which capture seeds" in table.caption
    assert "columns near, held, hop_rate, swing, progress, critic_distance" in table.rows_of


@pytest.mark.parametrize(("fid", "shown"), [(0.1, ["thresholds-search"]), (np.nan, [])])
def test_outcomes_of_maps_of_dirac_gans_depend_on_no_threshold(fid, shown):
    measured = {"modes": [np.nan], "high_quality": [np.nan], "fid": [fid], "dirac_converged": [0.5]}
    tried = pd.DataFrame({"threshold": ["swing"], "value": [3.0], "base": [False], "changed": [0.0]})
    thresholds = ThresholdTable("search", Thresholds(), pd.DataFrame(), tried)
    writer = Unwritten()
    section.thresholds(
        SimpleNamespace(thresholds=thresholds, record=SimpleNamespace(trials=pd.DataFrame(measured))), writer
    )
    assert writer.names == shown
