"""The command label: cards of replicas to label by eye, and a person's labels beside the rule's verdicts."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from analysis.labels import cards, file, page, sheets
from analysis.record.loading import Record, load
from analysis.results.agreement import CANNOT_TELL, Agreement, agreement
from analysis.results.criteria import thresholds_of
from analysis.results.outcomes import judge_record
from analysis.statistics.bootstrap import Resampling
from analysis.statistics.intervals import Interval
from analysis.wording import counted
from study.command.folder import readable, refuse_irregular, refuse_own_places, refuse_unreadable_pictures
from study.command.output import DONE, print_json
from study.config.messages import ConfigError
from study.progress.tables import terminal
from study.record.sources import record_of

RESAMPLES, SEED = 10_000, 0  # of kappa's interval: the same labels give the same


def label(options: Namespace) -> int:
    """Write cards of replicas as a page or as sheets, or compare labels with the outcomes."""
    for name, least in (("count", 1), ("seed", 0)):
        if getattr(options, name) < least:
            raise ConfigError(f"--{name}: expected a number from {least} on, got {getattr(options, name)}")
    if options.dir.is_dir():
        refuse_irregular(readable(options.dir))
    with record_of(options.dir) as place:
        record = load(place)
    return _write(record, options) if options.labels is None else _compare(record, options)


def _write(record: Record, options: Namespace) -> int:
    drawn = cards.draw(record, options.dir, options.count, options.seed)
    if not drawn:
        refuse_unreadable_pictures(options.dir)
        raise ConfigError(f"{options.dir}: expected pictures of replicas that ended in trials/*/pictures, got none")
    option = "--out" if options.sheets is None else "--sheets"
    folder = options.sheets or options.out or options.dir / "labels"
    refuse_own_places(option, folder, options.dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = f"expected a folder that can be written, got {folder} ({error.strerror})"
        raise ConfigError(f"{option}: {said}") from None
    if options.sheets is not None:
        paths, key = sheets.write(drawn, folder), folder / sheets.KEY
        written: dict[str, Any] = {"sheets": [str(path) for path in paths], "key": str(key)}
    else:
        paths, key = [], page.write(drawn, folder, _place(record))
        written = {"page": str(key)}
    if options.json:
        print_json({"cards": len(drawn), **written})
    else:
        print(*paths, key, sep="\n")
    return DONE


def _place(record: Record) -> str:
    """A name for the study that another of the same name, begun at another time, does not have."""
    study = record.trials[["study", "started"]].sort_values("started").iloc[0]
    return f"ganstudy labels of {study['study']}, begun {study['started']}"


def _compare(record: Record, options: Namespace) -> int:
    judged = judge_record(record, thresholds_of(record.about))
    try:
        labels = file.read(options.labels, judged)
    except file.LabelsError as error:
        raise ConfigError(str(error)) from None
    found = agreement(labels, judged, resampling=Resampling(np.random.default_rng(SEED), RESAMPLES))
    if not found.n:
        lines = f"{counted(found.left_out, 'line')} without one or with {CANNOT_TELL}"
        raise ConfigError(f"{options.labels}: expected labels to compare, got {lines}")
    if options.json:
        print_json(_described(found))
    else:
        _show(found)
    return DONE


def _described(found: Agreement) -> dict[str, Any]:
    return {
        "table": {by_eye: row.to_dict() for by_eye, row in found.table.iterrows()},
        "n": found.n,
        "left_out": found.left_out,
        "agreement": asdict(found.agreement),
        "kappa": asdict(found.kappa),
        "disagreements": found.disagreements.to_dict("records"),
    }


def _show(found: Agreement) -> None:
    console = terminal()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="by eye (rows), by the rule (columns)", title_justify="left")
    table.add_column("")
    for outcome in found.table.columns:
        table.add_column(outcome, justify="right")
    for by_eye, row in found.table.iterrows():
        table.add_row(str(by_eye), *(str(count) for count in row))
    console.print(table)
    console.print(f"n {found.n}, left out {found.left_out} (no label, or {CANNOT_TELL})")
    console.print(f"agreement {_spoken(found.agreement)}")
    console.print(f"Cohen's kappa {_spoken(found.kappa)}")
    for one in found.disagreements.to_dict("records"):
        where = f"{one['trial_id']}, seed {one['seed']}"
        console.print(Text(f"{where}: by eye {one['by_eye']}, by the rule {one['rule']}"))


def _spoken(one: Interval) -> str:
    if np.isnan(one.estimate):
        return f"cannot be told: {one.method}"
    return f"{one.estimate:.2f} " + (f"({one.method})" if np.isnan(one.low) else f"[{one.low:.2f}, {one.high:.2f}]")
