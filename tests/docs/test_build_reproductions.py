"""The page of reproductions is built from the replicas kept beside it and from what papers claim."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.published import about
from docs import build_reproductions
from docs.build_reproductions import KEPT, REPLICAS, SHORT, page, take
from study.command.reproduce import claims_of, papers
from study.config import loading

VERDICTS = ("agree", "disagree", "cannot tell")


def test_the_committed_page_is_the_built_one() -> None:
    committed = build_reproductions.PAGE.read_text(encoding="utf-8")
    assert committed == page(), "run `python -m docs.build_reproductions`"


def test_every_file_of_replicas_has_its_table_of_every_claim_about_its_arms() -> None:
    built = page()
    for path in REPLICAS.glob("*.csv"):
        name, _, version = path.stem.partition("-")
        told, plan = claims_of(papers()[name])
        section = built.split(f"<!-- {path.stem} -->")[1].split(f"<!-- end of {path.stem} -->")[0]
        if version == SHORT:
            plan = loading.load(papers()[name], told.short)
        claims = about(told.claims, [arm.name for arm in plan.arms])
        assert sum(section.count(f"| {verdict} |") for verdict in VERDICTS) == len(claims)
        assert ("short version" in section) == (version == SHORT)
        assert ("In full, as " in section) == (version not in ("", SHORT))
        assert set(pd.read_csv(path)["arm"]) <= {arm.name for arm in plan.arms}


def test_replicas_are_taken_that_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = pd.DataFrame({"arm": ["hinge"] * 3, "status": ["completed", "diverged", "running"], "fid": [1.0] * 3})
    trials = trials.reindex(columns=[*KEPT, "fid", "dirac_converged"])
    monkeypatch.setattr(build_reproductions, "REPLICAS", tmp_path)
    monkeypatch.setattr(build_reproductions, "load", lambda folder: Record(trials.iloc[:0], trials, {"of": folder}))
    path = take("dirac-short", tmp_path)
    assert path == tmp_path / "dirac-short.csv"
    kept = pd.read_csv(path)
    assert list(kept["status"]) == ["completed", "diverged"]
    assert list(kept.columns) == [*KEPT, "dirac_converged"]
