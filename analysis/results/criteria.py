"""The criteria of a study, read from its configuration: the metric, its direction, and the outcomes' thresholds.

`about` is that of a `Record`, of one study or of several joined. Joined studies must agree on thresholds: all replicas
are judged alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from analysis.record.join import studies_of
from analysis.record.loading import RecordError
from analysis.record.metadata import stated
from analysis.results.cohort import direction
from analysis.results.thresholds import Thresholds, is_earlier, thresholds_from


def metric_and_mode(about: Mapping[str, Any]) -> tuple[str, str]:
    """The metric that `search.metric` names first and its mode, "min" or "max"; FID where it names none.

    Raises RecordError where joined studies were searched by different ones.
    """
    found = sorted({_searched_by(study) for study in studies_of(about)})
    if len(found) > 1:
        words = " and ".join(f"{metric} ({mode})" for metric, mode in found)
        raise RecordError(f"search.metric: the joined studies differ, {words}; arms are ranked by one")
    return found[0]


def goals_of(about: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The same of each study by its name; joined studies need not agree where scores are compared within each."""
    return {str(study.get("study")): _searched_by(study) for study in studies_of(about)}


def thresholds_of(about: Mapping[str, Any]) -> Thresholds:
    """The thresholds of the outcomes; raises RecordError naming one that is none, or in which joined studies differ."""
    try:
        found = [thresholds_from(stated(study, "config.outcomes", {})) for study in studies_of(about)]
    except ValueError as error:
        raise RecordError(f"config.{error}") from None
    for name in (field.name for field in fields(Thresholds)):
        different = {getattr(one, name) for one in found}
        if len(different) > 1:
            raise RecordError(
                f"outcomes.{name}: the joined studies differ, {sorted(different, key=str)}; report each alone, or"
                " set it alike in each study.yaml and `ganstudy run` that again with --out its folder, which judges"
                " afresh and trains nothing anew"
            )
    return found[0]


def judged_by_earlier_rule(about: Mapping[str, Any]) -> bool:
    """Whether a study here ran, at least at first, under an earlier rule of outcomes: its ledger's verdicts differ."""
    return any(
        stated(study, "earlier_rule", is_earlier(stated(study, "config.outcomes", {}))) for study in studies_of(about)
    )


def _searched_by(about: Mapping[str, Any]) -> tuple[str, str]:
    named, mode = stated(about, "config.search.metric", "fid"), stated(about, "config.search.mode")
    metric, mode = (one[0] if isinstance(one, list) else one for one in (named, mode))
    try:
        return metric, direction(metric, mode)
    except ValueError as error:
        raise RecordError(f"config.search.{error}") from None
