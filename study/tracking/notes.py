"""Descriptions of the runs of a study and of its arms, in Markdown, as MLflow's pages show them.

A study's says what its report answers, once `ganstudy report` has written one, and has a row for each arm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from analysis.text_files import read
from analysis.wording import number
from study.config.addresses import masked
from study.tracking.arms import Summary
from study.tracking.views import query

LONGEST = 7500  # characters, of the 8,000 that a tag of MLflow's holds
REPORT, ANSWER = "report/index.html", "report/answer.json"
MOST = 2**26  # bytes that are read of it


def answer_in(folder: Path) -> Mapping[str, Any]:
    """The answer that the report in a study's folder gives, as `analysis.report.write` left it; {} without one."""
    try:
        found = json.loads(read(folder / ANSWER, "a JSON file", MOST))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def of_study(folder: Path, arms: Sequence[Summary], runs: Mapping[str, str], experiment: str, run_id: str) -> str:
    """The description of a study's run.

    Args:
        folder: the study's, with its report if there is one.
        arms: what is known of them, the best first.
        runs: the run of each arm.
        experiment, run_id: of the study's run.
    """
    answer = answer_in(folder)
    found, caveats = ([f"- {said}" for said in answer.get(part, ())] for part in ("found", "caveats"))
    rows = [
        f"| [{one.arm}]({_page(experiment, runs[one.arm])}) | {one.tags['result']} | {one.metrics['trials']:.0f} |"
        for one in arms
        if one.arm in runs
    ]
    table = ["| arm | result | trials |", "|---|---|---|", *rows] if rows else []
    if answer:
        page = f"[report]({_page(experiment, f'{run_id}/artifacts/{REPORT}')})"
        ended = sum(int(one.metrics["trials"]) for one in arms)
        then = "" if answer.get("ended") == ended else f"; {ended} have by now, and `ganstudy report` renews it"
        source = f"From the {page} on {answer.get('ended')} trials that had ended{then}. Its file: `{folder / REPORT}`."
    else:
        source = f"`ganstudy report {folder}` writes the report, and its answer here."
    question = [f"*{answer['question']}*"] if answer.get("question") else []
    parts = [found, table, [source], question, caveats]
    return _whole("\n\n".join("\n".join(lines) for lines in parts if any(lines)))


def of_arm(summary: Summary, experiment: str) -> str:
    """The description of an arm's run."""
    tags = summary.tags
    condition = f"tags.arm = '{summary.arm}' and tags.level = 'trial'"
    trials = f"#/experiments/{experiment}/runs{query()}&{urlencode({'searchFilter': condition})}"
    lines = [f"{tags['result'].capitalize()}." if tags["phase"] == "search" else f"On fresh seeds: {tags['result']}."]
    if "best" in tags:
        chosen = [f"{name[5:]} {_short(value)}" for name, value in tags.items() if name.startswith("best.")]
        lines.append(f"Best trial of the search: `{tags['best']}`" + f" ({', '.join(chosen)})" * bool(chosen) + ".")
    if summary.barred:
        lines.append(f"{summary.barred.capitalize()}.")
    if "confirmed" in tags:
        lines.append(f"Confirmed: `{tags['confirmed']}`.")
    return _whole("\n\n".join([*lines, f"[Its trials]({trials})"]))


def _page(experiment: str, run: str) -> str:
    return f"#/experiments/{experiment}/runs/{run}{query()}"


def _short(value: str) -> str:
    try:
        return number(float(value))
    except ValueError:
        return value


def _whole(text: str) -> str:
    """The text without secrets, up to the last whole line that fits."""
    text = masked(text)
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition("\n")[0] + "\n\n…"
