"""The page's sections on how the results were obtained: what was left out, versions, configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import yaml

from analysis.record.join import studies_of
from analysis.record.loading import Record
from analysis.record.metadata import stated
from analysis.report import tables
from analysis.report.findings import Findings
from analysis.report.page import Html, Section, facts, joined, section, tag
from analysis.report.writer import FigureWriter
from analysis.wording import counted, duration, listed, moment, named, number

State = Mapping[str, Any]
About = Mapping[str, Any]  # what one study's record says of itself
OWN = ("study", "scientific", "resources", "tracking", "search.seed")  # settings that each study has of its own
BEFORE = {"budget.equal": {"name": "updates", "per_step": None}, "data.dimensions": 1}  # before they could be set
MOST_KEYS = 8  # settings that are listed by name
LOOK = (
    "This is a look before the end: tests hold their 5 % only if what is trained next does not depend on what is seen"
    " here."
)


def condition(record: Record, state: State | None) -> tuple[str, str]:
    """The study's state in a word, and a sentence if it is not finished."""
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
    if not parts:
        return str(state["state"]), ""
    stopped = state.get("stopped")
    why = f" It stopped {moment(stopped['time'])}: {stopped['reason'].rstrip('.')}." if stopped else ""
    return str(state["state"]), f"{done} trials are done; {listed(parts)}.{why} Numbers will change."


def names(record: Record) -> list[str]:
    """The study, or those that were joined."""
    return [_name(about) for about in studies_of(record.about)]


def moments(record: Record) -> list[str]:
    """When each study's record was written."""
    return list(dict.fromkeys(moment(stated(about, "built")) for about in studies_of(record.about)))


def joining(record: Record) -> list[str]:
    """Which studies were joined, and in which settings and meanings of settings they differ; empty for a single one."""
    studies = studies_of(record.about)
    if len(studies) == 1:
        return []
    said = f"Joined from the records of {counted(len(studies), 'study', 'studies')}, {listed(names(record))}."
    said += " An arm is named study/arm, and each study searched its own."
    changed = _changed(studies)
    differ = _differing([stated(about, "config", {}) for about in studies])
    if not differ:
        return [f"{said} But for their arms the studies were configured alike.", *changed]
    rest = len(differ) - MOST_KEYS
    few = differ if rest <= 0 else [*differ[:MOST_KEYS], counted(rest, "more setting")]
    alone = f"The studies differ not in their arms alone but also in {listed(few)}: so may their results."
    return [said, alone, *changed]


def _changed(studies: Sequence[About]) -> list[str]:
    """By which meanings of settings that came to mean something else some studies were trained and others were not."""
    known: dict[str, dict[bool, list[str]]] = {}
    for about in studies:
        for change, since in stated(about, "trained_since", {}).items():
            known.setdefault(change, {}).setdefault(since, []).append(_name(about))
    return [
        f"What a setting means has changed: {change}. So it was where {listed(found[True])} trained, and not where"
        f" {listed(found[False])} did: arms that this touches differ in it too."
        for change, found in known.items()
        if len(found) > 1
    ]


def left_out(findings: Findings, writer: FigureWriter, state: State | None) -> Section:
    """What does not enter the results, and why."""
    record = findings.record
    studies = studies_of(record.about)
    table = tables.left_out_table(record)
    notes = []
    _, unfinished = condition(record, state)
    if unfinished:
        notes.append(unfinished)
    for about in studies:
        notes += [_of(about, studies) + note for note in _gaps(about)]
    for one in findings.measured:
        if one.unmeasured:
            notes.append(f"{one.metric} was never measured in {listed(one.unmeasured)}: not compared in quality.")
        if lost := [f"{arm.unmeasured} of {arm.arm}" for arm in one.quality if arm.unmeasured]:
            notes.append(
                f"Replicas that ended without a final {named(one.metric)}, left out of quality: {listed(lost)}."
            )
    if len(findings.arms) < findings.all_arms:
        notes.append(f"Not shown, as chosen: {counted(findings.all_arms - len(findings.arms), 'arm')}.")
    if len(_versions([session for about in studies for session in stated(about, "sessions", [])])) > 1:
        subject = "The study's" if len(studies) == 1 else "The studies'"
        notes.append(f"{subject} sessions ran with different versions; see below.")
    said = tag("ul", *(tag("li", note) for note in notes)) if notes else joined([])
    nothing = (
        tag("p", "Nothing: every planned trial ended, and every replica is in.") if not (table.rows or notes) else ""
    )
    return section("What was left out", nothing, writer.table(table) if table.rows else "", said)


def making(record: Record) -> Section:
    """Versions, seeds, machines, time and the whole configuration of each study."""
    studies = studies_of(record.about)
    parts: list[Html] = []
    for about in studies:
        history, trials = record.history, record.trials
        if len(studies) > 1:
            history, trials = (table[table["study"] == about.get("study")] for table in (history, trials))
            parts.append(tag("h3", _name(about)))
        parts.append(facts(_made(about, trials, len(history))))
        floor = {name: number(v) for name, v in stated(about, "floor", {}).items() if isinstance(v, float)}
        if floor:
            parts += [tag("h3", f"{_of(about, studies)}Floors: what fresh real samples score"), facts(floor)]
        config = yaml.safe_dump(stated(about, "config", {}), sort_keys=False, allow_unicode=True, width=100)
        whole = tag("details", tag("summary", "The whole configuration"), tag("pre", config))
        parts += [tag("h3", f"{_of(about, studies)}Configuration"), whole]
    return section("How it was made", *parts)


def _made(about: About, replicas: pd.DataFrame, evaluations: int) -> dict[str, object]:
    """The facts that `making` lists for one study, whose rows of trials.parquet are `replicas`."""
    sessions = stated(about, "sessions", [])
    trials = replicas.drop_duplicates(["study", "trial_id"])
    seeds = [f"{phase}: {_range(part['seed'])}" for phase, part in replicas.groupby("phase", observed=True)]
    pairs: dict[str, object] = {
        "trials": f"{counted(len(trials), 'trial')}, {counted(len(replicas), 'replica')},"
        f" {counted(evaluations, 'evaluation')}",
        "seeds": "; ".join(seeds),
        "search's seed": stated(about, "config.search.seed", "unknown"),
        "training time": f"{duration(trials['wall_time'].sum())} of trials, replicas of a trial together",
        "begun": moment(sessions[0].get("time")) if sessions else "unknown",
        "record written": moment(stated(about, "built")),
        "record": stated(about, "build", "unknown"),
        "data": _told(stated(about, "data", {})) or "not said",
        "classifier": _told(stated(about, "classifier", {})) or "none",
        "resources": _told(stated(about, "config.resources", {})),
    }
    for place, session in enumerate(_distinct(sessions)):
        pairs[f"session {place + 1}"] = _session(session)
    return pairs


def _gaps(about: About) -> list[str]:
    """What is missing from a study's record itself."""
    notes = []
    if damaged := stated(about, "damaged"):
        notes.append(f"{counted(damaged, 'line')} of the ledger could not be read and are not here.")
    notes += [f"{line}." for line in stated(about, "lacking", ())]
    if undeclared := stated(about, "undeclared"):
        notes.append(f"Measured but in no column of the record: {', '.join(undeclared)}.")
    return notes


def _name(about: About) -> str:
    return str(stated(about, "study", "study"))


def _of(about: About, studies: Sequence[About]) -> str:
    """The prefix of a line about one of several studies."""
    return f"{_name(about)}: " if len(studies) > 1 else ""


def _differing(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings, as `budget.steps`, that are not the same in all configurations; arms and machines apart."""
    flat = [
        {
            f"{key}.{name}" if name else key: inner
            for key, value in config.items()
            for name, inner in (value.items() if isinstance(value, Mapping) else [("", value)])
            if key not in OWN and f"{key}.{name}" not in OWN
        }
        for config in configs
    ]
    return [
        key
        for key in dict.fromkeys(key for one in flat for key in one)
        if any(one.get(key, BEFORE.get(key)) != flat[0].get(key, BEFORE.get(key)) for one in flat)
    ]


def _session(session: Mapping[str, Any]) -> str:
    apart = ("kind", "time", "versions", "pid", "data", "changes")
    known = {key: value for key, value in session.items() if key not in apart}
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
