"""Saved views of MLflow's page for an experiment: which runs, which columns, which charts in which groups.

MLflow keeps a view as a tag of the experiment; its menu "Views" lists them by name, and the address of the page may say
which to open (`query`). A chart of the median has the quartiles in it. What has no chart here would get one of its own
from MLflow; those that would repeat another are therefore listed as deleted.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from analysis.record.schema import QUALITY, TRAINING
from analysis.wording import log_scaled

if TYPE_CHECKING:
    from study.config.plan import StudyPlan
    from study.tracking.arms import Summary

TAG = "mlflow.sharedViewState."
ARMS, COMPARED, TRIALS = "ganstudy-arms", "ganstudy-arms-compared", "ganstudy-trials"
LINE = {
    "lineSmoothness": 0, "xAxisKey": "step", "xAxisScaleType": "linear", "yAxisKey": "metric", "range": {},
    "useGlobalXaxisKey": True, "useGlobalLineSmoothing": True, "yAxisExpressions": [], "ignoreOutliers": False,
}  # fmt: skip
OPEN = ("Result", "Outcomes")  # groups of charts; a page draws others once they are opened
BESIDE = ("_q25", "_q75", "_iqm")  # of a trial's metric
Json = dict[str, Any]


def query(view: str | None = None) -> str:
    """What to append to the address of an experiment's runs, to open them, or a view of them, in the page for model
    training."""
    return "?" + urlencode({"workflowType": "machine_learning"} | ({"viewStateShareKey": view} if view else {}))


def views_of(plan: StudyPlan, arms: Sequence[Summary], measured: Collection[str], time: int) -> dict[str, str]:
    """Tags for an experiment: the study and its arms, the arms compared, and the trials.

    Args:
        plan: the study's.
        arms: what is said of them.
        measured: the names of its trials' metrics; there is no view of the trials without the searched one.
        time: when the views were made, unix milliseconds.
    """
    goal, ascending = plan.goal.metrics[0], plan.goal.modes[0] == "min"
    of_arms = [goal, *_ends(goal, arms), "share_converged", "share_diverged", "trials", "trials_failed"]
    columns = [_column("metrics", name) for name in of_arms]
    searched = dict.fromkeys(name for arm in plan.arms for name in arm.space)
    of_trial = [
        *(_column("metrics", name) for name in (goal, f"{goal}_q25", f"{goal}_q75", "diverged")),
        *(_column("tags", name) for name in ("arm", "phase", "repeat", "outcome", "status")),
        *(_column("params", name) for name in searched),
    ]
    shown = (
        (ARMS, "Study and arms", "tags.level != 'trial'", [*columns, _column("tags", "best")], _arm_charts(goal, arms)),
        (COMPARED, "Arms compared", "tags.level = 'arm'", columns, _arm_charts(goal, arms)),
        (TRIALS, "Trials", "tags.level = 'trial'", of_trial, _trial_charts(goal, measured)),
    )
    named = (one for one in shown if one[0] != TRIALS or goal in measured)
    return {
        TAG + key: _envelope(name, time, _state(condition, f"metrics.`{goal}`", ascending, chosen, charts))
        for key, name, condition, chosen, charts in named
    }


def _state(condition: str, key: str, ascending: bool, columns: Sequence[str], charts: Sequence[Json]) -> Json:
    names = dict.fromkeys(chart["metricSectionId"] for chart in charts)
    about = {"isReordered": True, "deleted": False, "isGenerated": False}
    sections = [{"uuid": name, "name": name, "display": name in OPEN, **about} for name in names]
    return {
        "searchFilter": condition, "orderByKey": key, "orderByAsc": ascending,
        "selectedColumns": list(columns), "columnOrder": list(columns), "runsHiddenMode": "FIRST_10_RUNS",
        "compareRunCharts": list(charts), "compareRunSections": sections, "isAccordionReordered": True,
    }  # fmt: skip


def _ends(goal: str, arms: Sequence[Summary]) -> list[str]:
    """The ends of the medians' intervals, where an arm has one."""
    names = [f"{goal}_low", f"{goal}_high"]
    return names if any(math.isfinite(arm.metrics.get(name, math.nan)) for arm in arms for name in names) else []


def _arm_charts(goal: str, arms: Sequence[Summary]) -> list[Json]:
    """Bars of the result, and of the outcomes that occurred."""
    result = [goal, *_ends(goal, arms), f"{goal}_best"]
    logged = dict.fromkeys(name for arm in arms for name in arm.metrics)
    shares = [name for name in logged if name.startswith("share_") and not name.endswith(("_low", "_high"))]
    occurred = [name for name in shares if any(arm.metrics.get(name) for arm in arms)]
    return [
        *(_chart("BAR", "Result", name) for name in result),
        *(_chart("BAR", "Outcomes", name) for name in occurred),
        *_without("BAR", "Result", [name for name in logged if name not in (*result, *occurred)]),
    ]


def _trial_charts(goal: str, measured: Collection[str]) -> list[Json]:
    medians = sorted(name for name in measured if not _beside(name, measured))
    groups = {
        "Result": [goal],
        "Quality": [column.name for column in QUALITY],
        "Training": [column.name for column in TRAINING],
        "Other": medians,
    }
    charts: dict[str, Json] = {}
    for group, names in groups.items():
        for name in names:
            if name in measured and name not in charts:
                together = [name, *(f"{name}{end}" for end in ("_q25", "_q75") if f"{name}{end}" in measured)]
                log = "log" if log_scaled(name) is None else "linear"
                charts[name] = _chart("LINE", group, name, selectedMetricKeys=together, scaleType=log)
    beside = sorted(name for name in measured if _beside(name, measured))
    return [*charts.values(), *_without("LINE", "Other", beside)]


def _beside(name: str, measured: Collection[str]) -> bool:
    return any(name.endswith(end) and name.removesuffix(end) in measured for end in BESIDE)


def _chart(kind: str, group: str, metric: str, **settings: Any) -> Json:
    about = {
        "uuid": f"{kind} {metric}", "type": kind, "metricSectionId": group, "metricKey": metric, "deleted": False,
        "isGenerated": False, "runsCountToCompare": 20,
    }  # fmt: skip
    return about | (LINE if kind == "LINE" else {}) | settings


def _without(kind: str, group: str, metrics: Iterable[str]) -> list[Json]:
    return [_chart(kind, group, metric) | {"deleted": True} for metric in metrics]


def _column(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"


def _envelope(name: str, time: int, state: Json) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode()
    return json.dumps({"name": name, "createdAt": time, "updatedAt": time, "state": f"deflate;{packed}"})
