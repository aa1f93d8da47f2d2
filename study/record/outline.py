"""What the whole study shares, read from its ledger before any trial's rows are written."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.record import metadata, schema
from analysis.results.criteria import thresholds_of
from analysis.results.thresholds import Thresholds
from study.config import loading
from study.config.dotted import leaves
from study.config.extension import GROWING
from study.config.goal import Goal
from study.config.messages import ConfigError
from study.ledger.entries import Entry, Floor, Json, Look, Planned, Session
from study.ledger.state import StudyState
from study.ledger.validation import InvalidEntry
from study.record.columns import configuration
from study.record.later import Later, read_all
from trainables.metrics.own import columns_of

LOGGER = logging.getLogger(__name__)
KINDS = (Session.kind, Floor.kind, Look.kind, Planned.kind)  # of the entries that an outline follows from


@dataclass(frozen=True)
class Outline:
    """What all trials' rows need to know of the study.

    `state` knows sessions, floor and looks, but no trials; `config` maps each `config.*` name to its dtype, `later`
    each trial to what was measured of it later, `searched` each arm to the hyperparameters drawn for its trials, `arms`
    each planned arm to what `study.config.loading.arms` says of it; `goal` is what each search optimises, of which
    `top` configurations are confirmed, None where the configuration is another version's;
    `extended` are the keys by which each session extended the study; `measured` are the columns of the user's own
    measurements.
    """

    study: str
    state: StudyState
    thresholds: Thresholds
    config: dict[str, str]
    later: dict[str, dict[str, Later]]
    searched: dict[str, list[str]]
    arms: dict[str, dict[str, Any]]
    goal: Goal | None
    top: int
    extended: list[list[str]]
    measured: tuple[str, ...] = ()


def outline_of(folder: Path, entries: Iterable[Entry]) -> Outline:
    """The outline of the study in `folder`, from its ledger's entries of `KINDS`."""
    state, kinds, searched = StudyState(), dict[str, set[type]](), dict[str, list[str]]()
    measured, extended = dict[str, None](), list[list[str]]()
    for entry in entries:
        if isinstance(entry, Session):
            extended.append(_extended(state.config, entry.config))
        if not isinstance(entry, Planned):
            with suppress(InvalidEntry):  # a look that follows a lost one
                state.apply(entry)
            continue
        measured |= dict.fromkeys(_own_columns(entry.spec))
        searched[entry.arm] = [name for name, _ in leaves(entry.config)]
        for name, value in configuration(entry.spec, entry.config).items():
            kinds.setdefault(name, set()).add(type(value))
    state.config = _settings(folder, state.config)
    config = {name: schema.config_dtype(found) for name, found in kinds.items()}
    name = state.config.get("study", folder.resolve().name)
    thresholds = thresholds_of({"config": state.config})
    about = (state, thresholds, config, read_all(folder), searched)
    try:
        settings = loading.typed(state.config)
        arms = loading.arms(settings)
    except ConfigError:
        return Outline(name, *about, {}, None, 0, extended, tuple(measured))
    return Outline(name, *about, arms, settings.search.goal, settings.confirm.top, extended, tuple(measured))


def _extended(before: Json, after: Json) -> list[str]:
    if not before:
        return []
    once = {"search.repeats": 1}  # what a version had that has no such key
    former, latter = ({**once, **one, **dict(leaves(one))} for one in (before, after))
    return [key for key in ("scientific", *GROWING) if former.get(key) != latter.get(key)]


def _own_columns(spec: Json) -> tuple[str, ...]:
    """The columns of the user's own measurements that a trial's specification asks for; none of one that is damaged."""
    try:
        return columns_of([name for name in spec.get("measure", ()) if isinstance(name, str)])
    except (TypeError, ValueError):
        return ()


def _settings(folder: Path, recorded: Json) -> Json:
    """The ledger's configuration; study.yaml's where the ledger has none, or one that analysis cannot use."""
    try:
        if recorded:
            _check_usable(recorded)
            return recorded
    except ValueError as error:
        LOGGER.warning("%s: the configuration in the ledger is of no use, study.yaml's is taken: %s", folder, error)
    try:
        return loading.load(folder / loading.STUDY_FILE).config.resolved()
    except (ConfigError, OSError):
        return {}


def _check_usable(settings: Json) -> None:
    """Raise the ValueError that analysis would raise for a configuration that was edited or is another version's."""
    about = {"config": settings}
    metadata.check(about)
    thresholds_of(about)
