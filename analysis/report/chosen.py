"""The page's section on which configuration won in each arm: its result beside its values, and YAML to paste into a
study's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import indent
from typing import Any

import numpy as np
import yaml

from analysis.report.findings import Findings
from analysis.report.page import Html, Section, joined, section, tag
from analysis.report.pair_words import few
from analysis.report.subject import nothing_searched
from analysis.report.table_files import Head, Kind, Table, Value, shown
from analysis.report.writer import LONGEST, FigureWriter
from analysis.results.chosen import Chosen
from analysis.results.selection import no_longer_chosen
from analysis.results.settings import Scalar
from analysis.wording import counted, listed, named, number, percent, spoken, too_few

SOME = 4  # trials named in a sentence
NUMBER = re.compile(r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+)\Z")


def chosen(findings: Findings, writer: FigureWriter) -> Section | None:
    """Each arm's chosen configuration; None while nothing is chosen."""
    if not findings.chosen:
        return None
    blocks = list(_blocks(findings.chosen))
    lead = (
        "In place of the sections scientific, nuisance and fixed of the study's configuration, a block below has that"
        " configuration trained alone, with trials_per_arm: 1 and repeats: 1 under search."
    )
    if any(one.phase == "confirm" for one in findings.chosen):
        lead += " By the same search.seed and confirm it is confirmed on the same fresh seeds."
    if any(one.spending != "steps" for one in findings.budgets):
        lead += " The section budget has to be that of study.yaml, in which equal.per_step is written out."
    parts = [tag("p", lead), *blocks[:LONGEST]] if blocks else []
    if len(blocks) > LONGEST:
        parts.append(tag("p", f"The values of {len(blocks) - LONGEST} more are in tables/chosen.csv."))
    fixed = nothing_searched(findings.record.about)
    table = writer.table(chosen_table(findings.chosen, fixed))
    former = _former(sorted(no_longer_chosen(findings.record.about)))
    return section("Which configuration won", _first(findings.chosen, fixed), table, *former, *parts)


def _former(trials: Sequence[str]) -> list[Html]:
    """What is said of confirm trials, as "study/trial", of configurations that are chosen no longer."""
    if not trials:
        return []
    names = listed([one.partition("/")[2] for one in trials[:SOME]] + ["others"] * (len(trials) > SOME))
    were, better = ("was", "a better one, which was") if len(trials) == 1 else ("were", "better ones, which were")
    return [
        tag(
            "p",
            f"{names} {were} confirmed as the best of fewer trials. The search has gone on since and found"
            f" {better} confirmed too, so that no comparison counts the former; trials.parquet has all.",
        )
    ]


def _first(results: Sequence[Chosen], fixed: bool) -> Html:
    """The configuration with the best score of all, with its values, or that several have it; nothing where none has a
    score. `fixed` where nothing was searched."""
    scored = [one for one in results if not np.isnan(one.score.estimate)]
    if not scored:
        return joined([])
    sign = 1 if scored[0].mode == "min" else -1
    best = min(scored, key=lambda one: sign * one.score.estimate)
    where = " on fresh seeds" if best.phase == "confirm" else "" if fixed else " in the search"
    level = [one for one in scored if one.score.estimate == best.score.estimate]
    if len(level) > 1:
        who = few([f"{one.arm} ({one.trial_id})" for one in level], f"the {len(scored)}")
        return tag("p", f"The best median {named(best.metric)}{where}, {number(best.score.estimate)}, have {who}.")
    kinds = {name: _kind([value]) for name, value in best.searched.items()}
    values = [f"{name} {shown(_cell(value), kinds[name])}" for name, value in best.searched.items()]
    drawn = f", with {listed(values)}" if values else ""
    return tag(
        "p",
        f"The best median {named(best.metric)}{where} has {best.arm} ({best.trial_id}): {spoken(best.score)},"
        f" {percent(best.converged)} of {counted(best.replicas, 'replica')} converged{drawn}. As the best of"
        f" {len(scored)} it may owe something to luck; what the arms differ by is under Quality.",
    )


def chosen_table(results: Sequence[Chosen], fixed: bool = False) -> Table:
    """Each chosen configuration's result, and its values of the hyperparameters that were searched in its arm; `fixed`
    where nothing was."""
    names = list(dict.fromkeys(name for one in results for name in one.searched))
    kinds = {name: _kind([one.searched.get(name) for one in results]) for name in names}
    metric, repeated = results[0].metric, any(one.repeat for one in results)
    each = "each of an arm's independent searches, its repeats," if repeated else "each arm's search"
    what = "What each arm, a single configuration, ended with." if fixed else (
        f"What {each} chose: the result beside the values drawn. A trial whose name begins with confirm trained it"
        " again on fresh seeds; one that begins with search is the best of a search that is not confirmed, and its"
        " score is too good, as it was picked by it."
    )  # fmt: skip
    known = [
        " A dash: not searched in this arm, read by nothing there, or null." * bool(names),
        " In a trial’s name -r1 before the last number is repeat 1, and no penalty." * repeated,
    ]
    return Table(
        "chosen",
        f"{what} Median {named(metric)} over replicas, with its bootstrap 95 % interval over"
        f" seeds.{too_few([one.score for one in results], 'confirm')}{''.join(known)}",
        f"trials.parquet: column {metric} and config.* of these trials",
        (
            Head("arm"), *([Head("repeat", "count")] if repeated else []),
            Head(f"median {named(metric)}", "number"), Head("converged", "share"), Head("replicas", "count"),
            *(Head(name, kinds[name]) for name in names), Head("trial"),
        ),
        tuple(
            (
                one.arm, *([one.repeat] if repeated else []), one.score, one.converged, one.replicas,
                *(_cell(one.searched.get(name)) for name in names), one.trial_id,
            )
            for one in results
        ),
    )  # fmt: skip


def snippet(one: Chosen) -> str:
    """A configuration as the section `fixed` of a study's configuration: YAML, in ASCII, numbers at full precision.

    Comments say which section of the study set what follows.
    """
    lines = ["fixed:\n"]
    for part, values in one.settings.items():
        if values:
            lines += [f"  # {part}\n", *(indent(_line(key, value), "  ") for key, value in values.items())]
    return "".join(lines)


def _line(key: str, value: Any) -> str:
    flow = None if isinstance(value, dict) else False  # `{}` around the innermost mappings alone
    return yaml.dump({key: value}, Dumper=_Dumper, sort_keys=False, width=110, default_flow_style=flow)


class _Dumper(yaml.SafeDumper):
    """Quotes text such as `1e-4`, a number to YAML 1.2, by which configurations are read, and none to PyYAML's 1.1."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))


def _blocks(results: Sequence[Chosen]) -> Iterator[Html]:
    for one in results:
        if one.settings:
            summary = tag("summary", f"YAML of {one.arm} ({one.trial_id})")
            yield tag("details", summary, tag("pre", snippet(one)))


def _kind(values: Sequence[Scalar]) -> Kind:
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds <= {int, float}:
        return "text"
    drawn = any(f"{value:.4g}" != f"{value:.12g}" for value in values if value is not None)
    return "count" if kinds == {int} else "number" if drawn else "setting"


def _cell(value: Scalar) -> Value:
    return str(value).lower() if isinstance(value, bool) else value
