"""What a batch of ledger entries says about each MLflow run, gathered run by run, so that a run costs one request.

Every attempt at a trial (`study.ledger.attempts`) is a run of its own. Pure but for `Attempts`, to which every entry
is applied. Where the ledger has a step of a trial twice the first one counts, because MLflow's rows cannot be changed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.wording import NOT_JUDGED
from study.config.addresses import masked
from study.ledger.attempts import begins_anew
from study.ledger.entries import Ended, Entry, Floor, Json, Look, OfStudy, OfTrial, Planned, Result, Session, Stopped
from study.tracking.cursor import OpenRun
from study.tracking.summaries import Row, canonical, counted, finite, flat, hyperparameters, milliseconds, summaries

LARGEST = 200  # entries of a batch
LONGEST_TAG = 5000  # characters, below every version's limit
ENDINGS = {"failed": "FAILED"}  # the others are FINISHED: divergence is an outcome, not an error
IMAGES = {"mlflow.loggedImages": "True"}  # lets MLflow's page look for stepped images


@dataclass(slots=True)
class _Attempt:
    number: int = 1
    seeds: Sequence[int] = ()
    plan: int | None = None  # a checksum of the spec
    ended: float | None = None
    planned: float | None = None


class Attempts:
    """Numbers the attempts at every trial, from 1; entries are applied in the ledger's order."""

    KINDS = (Planned.kind, Ended.kind)  # the entries that need to be applied; others may be

    def __init__(self) -> None:
        self._attempts: dict[str, _Attempt] = {}

    def newest(self, trial_id: str) -> int:
        """The number of a trial's newest attempt, 1 for one that is not known."""
        return self._attempts[trial_id].number if trial_id in self._attempts else 1

    def apply(self, entry: OfTrial) -> int:
        """The number of the attempt that an entry belongs to."""
        attempt = self._attempts.setdefault(entry.trial_id, _Attempt())
        if isinstance(entry, Planned):
            plan = zlib.crc32(json.dumps(entry.spec, sort_keys=True).encode())
            same_spec = None if attempt.plan is None else attempt.plan == plan
            if begins_anew(entry, attempt.seeds, same_spec, attempt.ended, attempt.planned):
                attempt.number, attempt.ended = attempt.number + 1, None
            attempt.seeds, attempt.plan, attempt.planned = entry.seeds, plan, entry.time
        elif isinstance(entry, Ended):
            attempt.ended = entry.time
        return attempt.number


@dataclass
class RunUpdate:
    """What a batch says about one run.

    Attributes:
        first: the first entry about it, which names the trial, or, as one of no trial, the study.
        attempt: which attempt at the trial this is.
        step: of the newest result.
        params, tags: MLflow's.
        metrics: (name, value, unix milliseconds, step).
        pictures: the results that have a picture, and where it is in the study's folder.
        ended: the entry that ended the trial.
        sessions: how many sessions of the study began.
        data: what the newest of them says of its data set, as `study.ledger.entries.Session` has it; {} if nothing.
        entries: how many entries all this is from.
    """

    first: Entry
    attempt: int = 1
    step: int = -1
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[Row] = field(default_factory=list)
    pictures: list[tuple[Result, str]] = field(default_factory=list)
    ended: Ended | None = None
    sessions: int = 0
    data: Json = field(default_factory=dict)
    entries: int = 0

    @property
    def trial_id(self) -> str | None:
        """The trial, None for the study itself."""
        return None if isinstance(self.first, OfStudy) else self.first.trial_id

    def measure(self, metrics: Mapping[str, float], entry: Entry, step: int) -> None:
        """Add metrics at an entry's time."""
        time = milliseconds(entry.time)
        self.metrics += [(name, value, time, step) for name, value in metrics.items()]


def gather(
    batch: Iterable[Entry], attempts: Attempts, runs: Mapping[str, OpenRun], higher: Callable[[str], bool | None]
) -> list[RunUpdate]:
    """An update for each run in the order of their first entries.

    `runs` are the open runs by trial as they were before the batch; `higher` says whether more of a measurement is
    better, None where neither is or nobody knows.
    """
    gathered: dict[str, RunUpdate] = {}
    for entry in batch:
        match entry:
            case Session():
                update = gathered.setdefault("", RunUpdate(entry))
                _session(entry, update)
            case Stopped():
                update = gathered.setdefault("", RunUpdate(entry))
                update.tags["stopped"] = entry.reason[:LONGEST_TAG]
            case Floor():
                update = gathered.setdefault("", RunUpdate(entry))
                _floor(entry, update)
            case Look():
                update = gathered.setdefault("", RunUpdate(entry))
                _look(entry, update)
            case _:
                update = _update_of(entry, attempts.apply(entry), gathered, runs)
                _trial(entry, update, higher)
        update.entries += 1
    return list(gathered.values())


def _update_of(entry: OfTrial, attempt: int, gathered: dict[str, RunUpdate], runs: Mapping[str, OpenRun]) -> RunUpdate:
    key = f"{entry.trial_id}#{attempt}"
    if key not in gathered:
        run = runs.get(entry.trial_id)
        gathered[key] = RunUpdate(entry, attempt, run.step if run and run.attempt == attempt else -1)
    return gathered[key]


def _session(entry: Session, update: RunUpdate) -> None:
    """A later session's changed values are tags, as MLflow lets no param change."""
    params = flat(entry.config)
    changed = {name for name, value in params.items() if update.params.get(name, value) != value}
    update.tags |= {f"changed.{name}": params[name] for name in changed}
    update.params = params | update.params
    update.tags |= flat(entry.versions, "version.")
    update.sessions += 1
    update.data = entry.data or update.data


def _floor(entry: Floor, update: RunUpdate) -> None:
    """Tags, as a metric of one value would be a bar among the charts."""
    classifier = dict(entry.classifier or {})
    scores = {name: value for name, value in entry.values.items() if finite(value)}
    update.tags |= flat(scores, "floor.") | flat(classifier, "classifier.")


def _look(entry: Look, update: RunUpdate) -> None:
    about = {"extents": entry.extents, "level": entry.level, "open": entry.open}
    update.tags[f"look.{entry.number}"] = canonical(about)[:LONGEST_TAG]


def _trial(entry: OfTrial, update: RunUpdate, higher: Callable[[str], bool | None]) -> None:
    match entry:
        case Planned():
            update.params |= hyperparameters(entry.spec, entry.config)
            update.tags["seeds"] = canonical(entry.seeds)[:LONGEST_TAG]
        case Result() if entry.step > update.step:
            found = summaries(entry.columns, higher) | {"wall_time": float(entry.wall_time)}
            update.measure(found, entry, entry.step)
            update.step = entry.step
            if entry.pictures:
                update.pictures.append((entry, entry.pictures))
                update.tags |= IMAGES
        case Ended():  # no status before: a request that a server carries out late would set it back
            update.tags |= {"status": entry.status, "outcome": counted(one or NOT_JUDGED for one in entry.outcomes)}
            update.tags["scores"] = canonical(entry.scores)[:LONGEST_TAG]
            update.tags |= {"message": masked(entry.message)[:LONGEST_TAG]} if entry.message else {}
            update.ended = entry
