"""What a batch of ledger entries says about each MLflow run: rows gathered run by run, so that a run costs one request.

Pure but for `Attempts`, which is told of every entry. Where the ledger has a step of a trial twice the first one
counts, because MLflow's rows cannot be changed or taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from study.config.addresses import masked
from study.ledger.ledger import Entry
from study.tracking.attempts import Attempts
from study.tracking.cursor import OpenRun
from study.tracking.summaries import canonical, counted, finite, flat, milliseconds, summaries

LARGEST = 200  # entries of a batch
LONGEST_TAG = 5000  # characters, below every version's limit
ENDINGS = {"failed": "FAILED"}  # the others are FINISHED: divergence is an outcome, not an error
IMAGES = {"mlflow.loggedImages": "True"}  # lets MLflow's page look for stepped images


@dataclass
class Rows:
    """What a batch says about one run.

    Attributes:
        first: the entry first heard of it, which names the trial (or, of the kinds session and floor, the study).
        life: which life of the trial this is.
        metrics: (name, value, unix milliseconds, step).
        pictures: the results that name a picture.
        ended: the entry that ended the trial.
        sessions: how many sessions of the study began.
        step: of the newest rows.
        entries: how many entries all this is from.
    """

    first: Entry
    life: int = 1
    step: int = -1
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[tuple[str, float, int, int]] = field(default_factory=list)
    pictures: list[Entry] = field(default_factory=list)
    ended: Entry | None = None
    sessions: int = 0
    entries: int = 0

    @property
    def trial_id(self) -> str | None:
        """The trial, None for the study itself."""
        return self.first.get("trial_id")

    def measure(self, metrics: Mapping[str, float], entry: Entry, step: int) -> None:
        """Add metrics at an entry's time."""
        time = milliseconds(entry["time"])
        self.metrics += [(name, value, time, step) for name, value in metrics.items()]


def gather(batch: Iterable[Entry], lives: Attempts, runs: Mapping[str, OpenRun]) -> tuple[list[Rows], int]:
    """Rows for each run in the order of their first entries, and how many entries are none of a study's.

    `runs` are the open runs by trial as they were before the batch. Kinds unknown to this version are passed over.
    """
    gathered: dict[str, Rows] = {}
    strange = 0
    for entry in batch:
        try:
            match entry["kind"]:
                case "session":
                    _session(entry, gathered.setdefault("", Rows(entry)))
                case "floor":
                    _floor(entry, gathered.setdefault("", Rows(entry)))
                case "planned" | "result" | "ended":
                    _trial(entry, _rows_of(entry, lives.apply(entry), gathered, runs))
        except (KeyError, TypeError, ValueError, AttributeError):
            strange += 1
    return [rows for rows in gathered.values() if rows.entries], strange


def _rows_of(entry: Entry, life: int, gathered: dict[str, Rows], runs: Mapping[str, OpenRun]) -> Rows:
    key = f"{entry['trial_id']}#{life}"
    if key not in gathered and all(name in entry for name in ("phase", "arm", "index", "time")):
        run = runs.get(entry["trial_id"])
        gathered[key] = Rows(entry, life, run.step if run and run.life == life else -1)
    return gathered[key]


def _session(entry: Entry, rows: Rows) -> None:
    """A later session's changed values are tags, as MLflow lets no param change."""
    params = flat(entry["config"])
    changed = {name for name, value in params.items() if rows.params.get(name, value) != value}
    rows.tags |= {f"changed.{name}": params[name] for name in changed}
    rows.params = params | rows.params
    rows.tags |= flat(entry.get("versions") or {}, "version.")
    rows.sessions += 1
    rows.entries += 1


def _floor(entry: Entry, rows: Rows) -> None:
    classifier = dict(entry.get("classifier") or {})
    values = {f"floor/{name}": value for name, value in entry["values"].items()}
    values["classifier/accuracy"] = classifier.pop("accuracy", None)
    rows.measure({name: float(value) for name, value in values.items() if finite(value)}, entry, 0)
    rows.tags |= flat(classifier, "classifier.")
    rows.entries += 1


def _trial(entry: Entry, rows: Rows) -> None:
    if entry["kind"] == "planned":
        rows.params |= flat(entry["config"])
        rows.tags["seeds"] = canonical(entry["seeds"])[:LONGEST_TAG]
    elif entry["kind"] == "result" and entry["step"] > rows.step:
        rows.measure(summaries(entry["columns"]) | {"wall_time": float(entry["wall_time"])}, entry, entry["step"])
        rows.step = entry["step"]
        if entry.get("pictures"):
            rows.pictures.append(entry)
            rows.tags |= IMAGES
    elif entry["kind"] == "ended":  # no status before: a request that a server carries out late would set it back
        rows.tags |= {"status": entry["status"], "outcome": counted(entry.get("outcomes") or [])}
        rows.tags |= {"message": masked(str(entry["message"]))[:LONGEST_TAG]} if entry.get("message") else {}
        rows.ended = entry
    rows.entries += 1
