"""A report of a simulated study, written once, and readers of reports."""

from __future__ import annotations

import csv
import re
import shutil
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from analysis import report
from analysis.record.loading import load
from analysis.report import writer
from analysis.results.crossing import Crossing, FactorEffect
from analysis.statistics.intervals import Interval

CROSSED = ("hinge-none", "hinge-r1", "wasserstein-none", "wasserstein-r1")

OBJECTIVE = {
    "name": "hinge", "f": "min(0, d - 1)", "g": "min(0, -1 - d)", "generator": "critic_mean", "sentence": "TV",
    "ratios": [0.1, 1, 10], "optimal_critic": [-1, 0, 1], "divergence": [0.2, 2, 20], "critic_curvature": [0, 0, 0],
    "generator_curvature": [0, "nan", 0], "generator_slope": [1, 1, 1], "dirac_eigenvalues": [[0, 1], [0, -1]],
}  # fmt: skip


@pytest.fixture(scope="session")
def written(simulated, tmp_path_factory):
    """The study folder of a finished simulated study with pictures and its report; `index.html` is `page`."""
    folder = tmp_path_factory.mktemp("written") / "study"
    shutil.copytree(simulated, folder)
    pictures = folder / "trials" / picked(folder) / "pictures"
    pictures.mkdir(parents=True)
    samples = np.random.default_rng(0).normal(0, 1, (2, 50, 2))
    for step in (500, 1000):
        np.savez(pictures / f"{step:08d}.npz", samples=samples, seeds=[10_000, 10_001])
    path = report.write(folder, objectives=[OBJECTIVE])
    assert path == folder / "report" / "index.html"
    return folder


def picked(folder):
    trials = load(folder, []).trials
    chosen = trials[(trials["phase"] == "confirm") & (trials["arm"] == "hinge")]
    return str(chosen["trial_id"].iloc[0])


@pytest.fixture(scope="session")
def page(written):
    """The page's text."""
    return (written / "report" / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are made and not drawn, which is most of a report's time: for tests of the page's words and tables."""
    monkeypatch.setattr(writer, "rendered", lambda figure, kind: b"<svg></svg>")
    monkeypatch.setattr(writer, "columns", lambda figure: None)
    monkeypatch.setattr(writer, "vector_files", lambda figure: (b"<svg></svg>", b""))


@pytest.fixture(scope="session")
def words():
    """`words(markup)`: what a reader sees of it, in one line."""

    def words(markup):
        shown = re.sub(r"<style>.*?</style>|<[^>]+>", " ", markup, flags=re.S)
        return " ".join(unescape(shown).replace("\u00a0", " ").split())

    return words


@pytest.fixture(scope="session")
def rows():
    """`rows(folder, name)`: those of a table that lies beside the report in `folder`, a dictionary each."""

    def rows(folder, name):
        with (folder / "report" / "tables" / f"{name}.csv").open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    return rows


@pytest.fixture(scope="session")
def crossing():
    """Effects of two crossed factors, some of them told."""

    def effect(factor, estimate, p, beside=None, level="r1", instead="none"):
        interval = Interval(estimate, estimate - 0.1, estimate + 0.1, 96, "Student’s t of repeats", "both")
        return FactorEffect(factor, level, instead, beside, interval, p / 2, p)

    return Crossing(
        levels={"objective": ("hinge", "wasserstein"), "penalty": ("none", "r1")},
        phase="confirm",
        unit="repeat",
        units=(3, 4),
        alpha=0.05,
        converged=(effect("objective", -0.3, 0.01, None, "wasserstein", "hinge"), effect("penalty", 0.2, 0.3)),
        differences=(effect("penalty", -0.4, 0.02, ("objective", "wasserstein", "hinge")),),
        metric="fid",
        quality=(effect("objective", 0.5, 0.9, None, "wasserstein", "hinge"), effect("penalty", 0.3, 0.001)),
    )


@pytest.fixture(scope="session")
def crossed(simulate, tmp_path_factory):
    """A record of two objectives crossed with two penalties, each arm searched three times."""
    folder = simulate(tmp_path_factory.mktemp("crossed"), arms=CROSSED, repeats=3, trials=3)
    record = load(folder)
    arm = record.trials["arm"].astype(str).str.split("-", expand=True)
    record.about["config"]["scientific"] = {"objective": ["hinge", "wasserstein"], "penalty": ["none", "r1"]}
    settings = {"config.model": "gan", "config.objective": arm[0], "config.penalty": arm[1]}
    return replace(record, trials=record.trials.assign(**settings))
