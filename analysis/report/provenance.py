"""The page's sections on what stands behind the results: what was left out, definitions, versions, configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from analysis.outcomes import Thresholds
from analysis.report import rows
from analysis.report.findings import Findings
from analysis.report.page import Html, facts, joined, section, tag
from analysis.report.plates import Plates
from analysis.table import Record
from analysis.words import counted, listed, percent

State = Mapping[str, Any]


def moment(seconds: float | None) -> str:
    """Unix seconds as a date and time, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC") if seconds else "unknown"


def condition(record: Record, state: State | None) -> tuple[str, str]:
    """The study's condition in a word, and in a sentence where it is not done."""
    running = record.trials.loc[record.trials["status"] == "running", "trial_id"].nunique()
    if state is None:
        return ("unfinished", f"{counted(running, 'trial')} had not ended.") if running else ("as recorded", "")
    totals = state["trials"]
    parts = [
        counted(totals[name], "trial") + f" {words}"
        for name, words in (("running", "under way"), ("interrupted", "interrupted"), ("missing", "not begun"))
        if totals.get(name)
    ]
    planned = sum(totals.get(name, 0) for name in ("done", "failed", "running", "interrupted", "missing"))
    done = f"{totals.get('done', 0)} of {planned}"
    return str(state["state"]), f"{done} trials are done; {listed(parts)}. Numbers will change." if parts else ""


def left_out(findings: Findings, plates: Plates, state: State | None) -> Html:
    """What does not enter the results, and why."""
    record = findings.record
    table = rows.left_out_table(record)
    notes = []
    _, unfinished = condition(record, state)
    if unfinished:
        notes.append(unfinished)
    if record.about.get("damaged"):
        notes.append(f"{counted(record.about['damaged'], 'line')} of the ledger could not be read and are not here.")
    if record.about.get("undeclared"):
        notes.append(f"Measured but in no column of the record: {', '.join(record.about['undeclared'])}.")
    if findings.unmeasured:
        notes.append(f"{findings.metric} was never measured in {listed(findings.unmeasured)}: not compared in quality.")
    if len(_versions(record.about.get("sessions", []))) > 1:
        notes.append("The study's sessions ran with different versions; see below.")
    said = tag("ul", *(tag("li", note) for note in notes)) if notes else joined([])
    nothing = (
        tag("p", "Nothing: every planned trial ended, and every replica is in.") if not (table.rows or notes) else ""
    )
    return section("What was left out", nothing, plates.table(table) if table.rows else "", said)


def definitions(record: Record) -> Html:
    """What the words of the outcomes mean here, with the thresholds in use."""
    used = Thresholds(**record.about.get("config", {}).get("outcomes", {}))
    meanings = {
        "diverged": "a loss, parameter or sample was not finite or exceeded a bound; never made into a score",
        "truncated": "stopped by the scheduler before its budget: censored, no failure",
        "vanished": f"critic's accuracy ≥ {used.critic_accuracy:g}, generator's gradient norm < {used.gradient_norm:g}"
        f" and share of good samples < {used.quality:g}, medians over the last {percent(used.tail)} of the evaluations",
        "collapsed": f"fewer than {percent(used.modes)} of the modes captured at the end",
        "oscillating": f"hop rate > {used.hop_rate:g}, or {used.metric}'s interquartile range over its median"
        f" > {used.oscillation:g}, over the same evaluations",
        "converged": "none of these",
    }
    return section("Definitions", tag("p", "The first that holds is a replica's outcome."), facts(meanings))


def making(findings: Findings) -> Html:
    """Versions, seeds, machines, time and the whole configuration."""
    record, about = findings.record, findings.record.about
    sessions = about.get("sessions", [])
    trials = record.trials.drop_duplicates(["study", "trial_id"])
    seeds = [f"{phase}: {_range(part['seed'])}" for phase, part in record.trials.groupby("phase", observed=True)]
    pairs: dict[str, object] = {
        "trials": f"{counted(len(trials), 'trial')}, {counted(len(record.trials), 'replica')},"
        f" {counted(len(record.history), 'evaluation')}",
        "seeds": "; ".join(seeds),
        "search's seed": about.get("config", {}).get("search", {}).get("seed", "unknown"),
        "training time": f"{trials['wall_time'].sum() / 3600:.2f} h of trials, replicas of a trial together",
        "begun": moment(sessions[0].get("time")) if sessions else "unknown",
        "record written": moment(about.get("built")),
        "record": about.get("build", "unknown"),
        "classifier": _told(about["classifier"]) if about.get("classifier") else "none",
        "resources": _told(about.get("config", {}).get("resources", {})),
    }
    for place, session in enumerate(_distinct(sessions)):
        pairs[f"session {place + 1}"] = _session(session)
    config = json.dumps(about.get("config", {}), indent=2, ensure_ascii=False)
    whole = tag("details", tag("summary", "The whole configuration"), tag("pre", config), open="")
    floor = {name: f"{value:.6g}" for name, value in (about.get("floor") or {}).items() if isinstance(value, float)}
    floors = joined([tag("h3", "Floors: what fresh real samples score"), facts(floor)]) if floor else joined([])
    return section("How it was made", facts(pairs), floors, tag("h3", "Configuration"), whole)


def _session(session: Mapping[str, Any]) -> str:
    known = {key: value for key, value in session.items() if key not in ("kind", "time", "versions", "pid")}
    versions = ", ".join(f"{name} {version}" for name, version in session.get("versions", {}).items())
    return "; ".join(part for part in (moment(session.get("time")), _told(known), versions) if part)


def _told(values: Any) -> str:
    if isinstance(values, Mapping):
        return ", ".join(f"{key} {_told(value)}" for key, value in values.items() if value is not None)
    return ", ".join(map(str, values)) if isinstance(values, list) else str(values)


def _versions(sessions: Sequence[Mapping[str, Any]]) -> list[Any]:
    found: list[Any] = []
    for session in sessions:
        if session.get("versions") not in found:
            found.append(session.get("versions"))
    return found


def _distinct(sessions: Sequence[Mapping[str, Any]], most: int = 6) -> list[Mapping[str, Any]]:
    """The first sessions and the last ones; a study may have been resumed a hundred times."""
    return list(sessions) if len(sessions) <= most else [*sessions[: most // 2], *sessions[-most // 2 :]]


def _range(seeds: Any) -> str:
    distinct = pd.unique(seeds)
    low, high = int(distinct.min()), int(distinct.max())
    whole = len(distinct) == high - low + 1
    return f"{low}–{high}" if whole else f"{len(distinct)} seeds from {low} to {high}"
