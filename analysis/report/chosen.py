"""The page's section on each arm's chosen configuration: a table, and YAML to paste into a study's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import indent
from typing import Any

import yaml

from analysis.report.findings import Findings
from analysis.report.page import Html, Section, section, tag
from analysis.report.table_files import Head, Kind, Table, Value
from analysis.report.writer import LONGEST, FigureWriter
from analysis.results.chosen import Chosen, Scalar
from analysis.wording import named

NUMBER = re.compile(r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+)\Z")


def chosen(findings: Findings, writer: FigureWriter) -> Section | None:
    """Each arm's chosen configuration; None while nothing is chosen."""
    if not findings.chosen:
        return None
    blocks = list(_blocks(findings.chosen))
    lead = (
        "In place of the sections scientific, nuisance and fixed of the study's configuration, a block below has that"
        " configuration trained alone, exactly as it was here."
    )
    if any(one.spending != "steps" for one in findings.budgets):
        lead += " The section budget has to be that of study.yaml, in which equal.per_step is written out."
    parts = [tag("p", lead), *blocks[:LONGEST]] if blocks else []
    if len(blocks) > LONGEST:
        parts.append(tag("p", f"The values of {len(blocks) - LONGEST} more are in tables/chosen.csv."))
    return section("Chosen configurations", writer.table(chosen_table(findings.chosen)), *parts)


def chosen_table(results: Sequence[Chosen]) -> Table:
    """Each chosen configuration's score, and its values of the hyperparameters that were searched in its arm."""
    names = list(dict.fromkeys(name for one in results for name in one.searched))
    kinds = {name: _kind([one.searched.get(name) for one in results]) for name in names}
    metric, repeated = results[0].metric, any(one.repeat for one in results)
    each = "each of an arm's independent searches, its repeats," if repeated else "each arm's search"
    return Table(
        "chosen",
        f"What {each} drew for its chosen configuration. A trial whose name begins with confirm trained it"
        " again on fresh seeds; one that begins with search is the best of a search that is not confirmed, and its"
        f" score is too good, as it was picked by it. Median {named(metric)} over replicas, with its bootstrap 95 %"
        " interval over seeds. A dash: not searched in this arm, or null.",
        f"trials.parquet: column {metric} and config.* of these trials",
        (
            Head("arm"), *([Head("repeat", "count")] if repeated else []),
            *(Head(name, kinds[name]) for name in names), Head(f"median {named(metric)}", "number"),
            Head("replicas", "count"), Head("trial"),
        ),
        tuple(
            (
                one.arm, *([one.repeat] if repeated else []), *(_cell(one.searched.get(name)) for name in names),
                one.score, one.replicas, one.trial_id,
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
    return "count" if kinds == {int} else "number" if kinds <= {int, float} else "text"


def _cell(value: Scalar) -> Value:
    return str(value).lower() if isinstance(value, bool) else value
