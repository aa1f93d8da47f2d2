"""`python -m docs.build_reproductions`: the tables of docs/reproductions.md, from the replicas in docs/reproductions/.

`python -m docs.build_reproductions NAME FOLDER` first takes the replicas of a paper's study from its folder: of each
that ended, what the paper's claims are about. NAME is the paper's, or NAME-short, or NAME-circle and the like for a
study that the head of the paper's configuration makes by other settings.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from analysis.record.loading import Record, load
from analysis.record.schema import TRIALS_KEYS
from analysis.results.published import HEAD, Published, about, compared
from docs.meanings import code, filled, table, write
from study.command.reproduce import claims_of, papers
from study.config import loading

PAGE = Path(__file__).parent / "reproductions.md"
REPLICAS = Path(__file__).parent / "reproductions"
KEPT = (*TRIALS_KEYS, "status", "outcome", "diverged_step", "steps")
SHORT = "short"


def page() -> str:
    """The page with its tables filled; the rest of it is written by hand."""
    files = sorted(REPLICAS.glob("*.csv"))
    return filled(PAGE.read_text(encoding="utf-8"), {path.stem: _table(path) for path in files})


def take(name: str, folder: Path) -> Path:
    """Keep the replicas of a study that is NAME's, or its short version's; the file's path."""
    told, _, _ = _paper(name)
    metrics = dict.fromkeys(claim.metric for claim in told.claims)
    trials = load(folder).trials
    ended = trials[trials["status"].isin(("completed", "diverged"))]
    path = REPLICAS / f"{name}.csv"
    ended.loc[:, [*KEPT, *(metric for metric in metrics if metric not in KEPT)]].to_csv(path, index=False)
    return path


def _table(path: Path) -> list[str]:
    told, version, arms = _paper(path.stem)
    trials = pd.read_csv(path)
    found = compared(Record(trials.iloc[:0], trials, {}), about(told.claims, arms))
    arm, *head = HEAD
    rows = [(f"`{one.claim.arm}`", *one.cells()[1:]) for one in found]
    settings = f"In full, as {code(trials['study'].iat[0])}." if version else "In full."
    if version == SHORT:
        settings = f"Its short version: {', '.join(code(one) for one in told.short)}."
    return [f"{told.paper}: {told.source}. {settings}", "", *table(arm, *head, rows=rows), *_differences(told)]


def _differences(told: Published) -> list[str]:
    return ["What differs:", "", *(f"- {sentence}" for sentence in told.differs)] if told.differs else []


def _paper(stem: str) -> tuple[Published, str, list[str]]:
    """What a file's paper claims, of which version of the study the file is, "" for the study itself, and its arms."""
    name, _, version = stem.partition("-")
    told, plan = claims_of(papers()[name])
    if version == SHORT:
        plan = loading.load(papers()[name], told.short)
    return told, version, [arm.name for arm in plan.arms]


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(f"{take(sys.argv[1], Path(sys.argv[2]))} is written")
    sys.exit(write(PAGE, page()))
