"""The report: one self-contained HTML page that a person reads from top to bottom, for any state of a study or several.

Question and answer first, then pictures and tables, and last how they were obtained. The page fetches nothing, and
works without the little script that it has. Beside it lie its figures (`figures/*.pdf`, `*.svg`) and tables
(`tables/*.csv`, `*.tex`) for a paper, `objectives.json`, what the pairs do, and `answer.json`, its first sentences.
Start reading at `write` below, then `derivation.find`.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.record.join import join, studies_of
from analysis.record.loading import Record, load
from analysis.record.own import own_measurements
from analysis.record.schema import HISTORY, OWN
from analysis.report import (
    arms,
    chosen,
    dark,
    data_sets,
    factors,
    provenance,
    quality,
    rules,
    search,
    spending,
    stability,
    theory,
    training,
)
from analysis.report.answer import Answer, answer
from analysis.report.beside import former, linked, sweep
from analysis.report.choice import Choice
from analysis.report.derivation import COLUMNS, EVERYTHING, find
from analysis.report.findings import Findings
from analysis.report.page import Html, Section, contents, joined, page, tag
from analysis.report.script import SCRIPT
from analysis.report.table_files import Table
from analysis.report.writer import FigureWriter
from analysis.results.criteria import goals_of, thresholds_of
from analysis.results.outcomes import judged_columns
from analysis.wording import calling, counted, listed, named

__all__ = ["Answer", "Choice", "Findings", "answer", "every_table", "find", "read", "uncollected", "write"]


def write(
    folder: str | Path,
    records: Sequence[str | Path] = (),
    *,
    state: Mapping[str, Any] | None = None,
    objectives: Sequence[Mapping[str, Any]] = (),
    notes: Sequence[str] = (),
    same_within: float | None = None,
    choice: Choice = EVERYTHING,
) -> Path:
    """Write `report/index.html` into `folder`, and return its path. Files that only a former page links are removed.

    Args:
        folder: gets the report; pictures of samples are taken from `trials/` there, where it exists.
        records: the folders of the records that it is about, several of them joined; `folder` itself when none.
        state: what `ganstudy status --json` says of the study; without it only the record speaks of what is missing.
        objectives: what `ganstudy objective --json` says of the pairs (f, g) that are compared.
        notes: sentences on how the study was configured that bear on its answer, said with the answer's own caveats.
        same_within: the margin within which the report says of arms that they are the same, as of
            `analysis.report.derivation.find`; None not to ask.
        choice: arms, measurements and names of one's own that are shown; see `analysis.report.choice`.

    Raises:
        ValueError: nothing of a name that was chosen; the message names the option.
        FileNotFoundError: there is no record.
        RecordError: a record is not whole, or several cannot be joined, or were judged by different thresholds; the
            message says which.
        OSError: the report could not be written; the former page stays.
    """
    folder = Path(folder)
    with uncollected(), calling(choice.labels):
        findings = find(read(records or [folder], choice.metrics), same_within=same_within, choice=choice)
        writer = FigureWriter(folder / "report", findings.palette)
        if objectives:
            explained = json.dumps(list(objectives), indent=1)
            (folder / "report" / "objectives.json").write_text(explained, encoding="utf-8")
        (folder / "report" / "answer.json").write_text(_answer(findings, notes), encoding="utf-8")
        path, partial = (folder / "report" / name for name in ("index.html", ".index.html.partial"))
        written, before = _page(findings, writer, folder, state, objectives, notes), former(path)
        partial.write_text(written, encoding="utf-8")
        partial.replace(path)
        sweep(path.parent, before - linked(written))
    return path


def every_table(findings: Findings, folder: str | Path) -> list[Table]:
    """All tables of the report in reading order, without drawing any figure.

    Args:
        findings: of a record.
        folder: of the study, as for `write`.
    """
    writer = FigureWriter(None, findings.palette)
    _sections(findings, writer, Path(folder), None, ())
    return writer.tables


def _answer(findings: Findings, notes: Sequence[str]) -> str:
    """The question, what was found and the caveats as JSON, and how many trials had `ended`."""
    said = answer(findings)
    trials = findings.record.trials
    ended = trials.loc[trials["status"] != "running", ["study", "trial_id"]].drop_duplicates()
    found = {**asdict(said), "caveats": [*said.caveats, *notes], "ended": len(ended)}
    return json.dumps(found, indent=1, ensure_ascii=False)


@contextmanager
def uncollected() -> Iterator[None]:
    """Within the block cyclic garbage stays: each collection would go through all that figures are made of, which takes
    a fifth of a report's time, and there is little to gain. The first one after the block would, too."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read(places: Sequence[str | Path], metrics: Sequence[str] = ()) -> Record:
    """The record, or several joined, with the columns that findings go by, with these metrics among them; raises what
    `write` raises of records."""
    bare = join([load(place, []) for place in places])
    metrics = [*metrics, *(metric for metric, _ in goals_of(bare.about).values())]
    declared = {column.name for column in HISTORY}
    wanted = dict.fromkeys([*metrics, *judged_columns(thresholds_of(bare.about)), *COLUMNS, *own_measurements(bare)])
    names = [name for name in wanted if name in declared or name.startswith(OWN)]
    return join([load(place, names) for place in places])


def _page(
    findings: Findings,
    writer: FigureWriter,
    folder: Path,
    state: Mapping[str, Any] | None,
    objectives: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
) -> Html:
    name = " + ".join(provenance.names(findings.record))
    shown = _sections(findings, writer, folder, state, objectives)
    opening = _opening(findings, name, state, notes)
    body = joined([*opening, contents(shown), *(part.markup for part in shown), _closing(findings)])
    return page(name, body, style=dark.rules(body), script=SCRIPT)


def _sections(
    findings: Findings,
    writer: FigureWriter,
    folder: Path,
    state: Mapping[str, Any] | None,
    objectives: Sequence[Mapping[str, Any]],
) -> list[Section]:
    parts: list[Section | None] = [
        arms.arms(findings, writer),
        data_sets.data_sets(findings, writer),
        factors.factors(findings, writer),
        stability.stability(findings, writer),
        quality.quality(findings, writer),
        chosen.chosen(findings, writer),
        training.training(findings, writer, folder),
        theory.theory(findings, writer, folder),
        search.search(findings, writer),
        spending.budget(findings, writer),
        search.sensitivity(findings, writer),
        stability.thresholds(findings, writer),
        theory.objectives(objectives, writer),
        provenance.left_out(findings, writer, state),
        rules.definitions(findings.record),
        provenance.making(findings.record),
    ]
    return [part for part in parts if part is not None]


def _opening(findings: Findings, name: str, state: Mapping[str, Any] | None, notes: Sequence[str]) -> list[Html]:
    said = answer(findings)
    several = len(studies_of(findings.record.about)) > 1
    lead = "Not all of these studies are finished" if several else "This study is not finished"
    word, unfinished = provenance.condition(findings.record, state)
    written = listed(provenance.moments(findings.record))
    return [
        tag("p", f"ganstudy · record of {written} ", tag("span", word, class_="badge"), class_="kicker"),
        tag("h1", name),
        tag("p", said.question, class_="question"),
        *(tag("p", sentence, class_="note") for sentence in chosen_words(findings)),
        *(tag("p", sentence) for sentence in provenance.joining(findings.record)),
        tag("div", *(tag("p", sentence) for sentence in said.found), class_="answer"),
        *(tag("p", caveat) for caveat in (*said.caveats, *notes)),
        *(tag("p", sentence) for sentence in spending.equality(findings.budgets)),
        tag("p", f"{lead}: {unfinished} {provenance.LOOK}", class_="note") if unfinished else joined([]),
    ]


def chosen_words(findings: Findings) -> list[str]:
    """What was chosen for the page, and what that does not change."""
    said, here, every = [], len(findings.arms), findings.all_arms
    if here < every:
        pairs = counted(every * (every - 1) // 2, "pair")
        lead = f"This page shows {here} of the {every} arms, as was chosen for it, and"
        alone = f"{lead} compares it with no other."
        some = (
            f"{lead} says which of these is ahead. Tests and intervals of pairs are corrected for all {pairs}"
            " nevertheless: a choice that may have been made after the results were seen makes no difference more"
            " certain."
        )
        whole = "Tests of all arms at once are of all of them, shown or not."
        said.append(f"{alone if here == 1 else some} {whole}")
    if findings.picked:
        metrics = listed([named(one.metric) for one in findings.measured])
        said.append(f"Quality is by {metrics}, as was chosen for this page.")
    return [" ".join(said)] if said else []


def _closing(findings: Findings) -> Html:
    builds = listed([str(about.get("build", "unknown")) for about in studies_of(findings.record.about)])
    return tag(
        "footer",
        f"Every number follows from history.parquet and trials.parquet of build {builds}; figures and tables lie beside"
        " this page as PDF, SVG, CSV and LaTeX, linked in their captions. Resampling has a fixed seed: the same record"
        " gives the same page.",
    )
