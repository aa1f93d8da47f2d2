"""The seven kinds of ledger entry as frozen records: a session and why it stopped, the floor, a look at the pairs of
arms, and of each trial plan, results and ending.

`to_json` gives the object that a ledger's line holds, "kind" first, so that readers tell kinds without parsing;
`study.ledger.validation` takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, NamedTuple

SEARCH, CONFIRM = "search", "confirm"

Json = dict[str, Any]  # what an object of JSON is read as
Key = tuple[str, str, int, int, int]  # of `KEY`; identifies a trial
KEY = ("phase", "arm", "repeat", "index", "round")


def trial_id_of(phase: str, arm: str, repeat: int, index: int, round: int = 0) -> str:
    """A trial's name, which names its folder too: `search-hinge-0003`, `search-hinge-r1-0003` in repeat 1, and
    `confirm-hinge-0003-round1` for the seeds that round 1 added."""
    return f"{phase}-{arm}{f'-r{repeat}' if repeat else ''}-{index:04d}{f'-round{round}' if round else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A process began to work on the study.

    Attributes:
        time: unix seconds; 0 is replaced when the entry is appended, here and in every other kind.
        session: a random name; "" in ledgers from before sessions had names.
        config: the study's resolved configuration.
        versions: of Python and the packages that matter.
        hardware: of the driver's machine.
        host, pid: of the process.
        code: SHA-256 of the source file of each module of the user's own, by its name.
        own: of each of the user's own measurements, by its column: which way is `better`, "high", "low" or None, and
            its `meaning`.
        data: name, digest, origin and size of the data set, as `study.storage.data_set` says; {} in older ledgers.
        changes: of meaning that its version knew, by their names in `trainables.changes`; [] in older ledgers.
    """

    kind: ClassVar[str] = "session"
    time: float = 0.0
    session: str = ""
    config: Json
    versions: Json = field(default_factory=dict)
    hardware: Json | None = None
    host: str | None = None
    pid: int | None = None
    code: Json = field(default_factory=dict)
    own: Json = field(default_factory=dict)
    data: Json = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A session ended before the study was done. One whose process was killed leaves none.

    Attributes:
        reason: a signal's name, or what kept the session from going on, in words.
    """

    kind: ClassVar[str] = "stopped"
    time: float = 0.0
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The real-data baseline: what fresh real samples score, as a perfect generator would up to sampling error.

    Attributes:
        values: measurement -> value, the mean over several draws of samples; lists and None may occur and are ignored.
        spread: measurement -> standard deviation of one draw, NaN where unknown; {} in ledgers from before it was kept.
        samples: of a draw, fewer than a generator's where fewer points are held out; None as `spread` is {}.
        classifier: accuracy and seed of the classifier that measures; None where none does.
    """

    kind: ClassVar[str] = "floor"
    time: float = 0.0
    values: Json
    spread: Json = field(default_factory=dict)
    samples: int | None = None
    classifier: Json | None = None


class LookedAt(NamedTuple):
    """Two arms at a look: p of their test at this look alone, and over all looks so far and corrected for all pairs.

    None where there is none: an arm had no score, or the tests could not be made.
    """

    a: str
    b: str
    p: float | None
    adjusted: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The pairs of arms were looked at, between rounds of a confirmation that goes on until they are decided.

    Attributes:
        number: from 0.
        level: the part of the family-wise level that is spent at this look.
        planned: how many looks there may be in all, as the study was configured then.
        extents: arm -> repeats and seeds that were looked at.
        pairs: all pairs of arms.
        open: the arms of pairs that are not decided.
        more_seeds: whether more seeds can still take much off the variance.
    """

    kind: ClassVar[str] = "look"
    time: float = 0.0
    number: int
    level: float
    planned: int
    extents: Mapping[str, tuple[int, int]]
    pairs: Sequence[LookedAt]
    open: Sequence[str]
    more_seeds: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEntry:
    """The fields that all entries about a trial share.

    Attributes:
        phase: search or confirm.
        arm: the name of the combination of scientific choices.
        repeat: which of the arm's searches, made independently of each other, from 0.
        index: of the trial within its phase, arm and repeat, from 0.
        round: which round of its confirmation, each on seeds of its own, from 0.
        trial_id: follows from these five.
    """

    time: float = 0.0
    phase: str
    arm: str
    repeat: int = 0
    index: int
    round: int = 0
    trial_id: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the trial."""
        object.__setattr__(self, "trial_id", trial_id_of(*self.key))

    @property
    def key(self) -> Key:
        """Which trial it is about."""
        return self.phase, self.arm, self.repeat, self.index, self.round


def named(key: Key) -> Json:
    """A trial's key as fields of its entries."""
    return dict(zip(KEY, key, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(TrialEntry):
    """A trial is to be trained, from its beginning or on from where it was (see `study.ledger.attempts`).

    Attributes:
        config: the flat hyperparameters that the search chose.
        spec: the trial's `Spec` as a dict.
        seeds: of the replicas.
        told: how many results its search had been told before; None where none chose, and in older ledgers.
    """

    kind: ClassVar[str] = "planned"
    config: Json
    spec: Json
    seeds: list[int]
    told: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(TrialEntry):
    """One evaluation of a trial's replicas.

    Attributes:
        seeds: of the replicas measured, whose values every column holds in this order.
        step: generator updates taken.
        wall_time: seconds spent training since the trial began; where trials share a population, an even share of it.
        columns: measurement -> one number per replica: None if it was not measured, NaN if it is not a number; for
            `mode_histogram` one list of counts per replica, for `diverged` one bool.
        pictures: where in the study's folder the samples of the evaluation's picture are; None: it has none.
    """

    kind: ClassVar[str] = "result"
    seeds: list[int]
    step: int
    wall_time: float
    columns: Mapping[str, Sequence[Any]]
    pictures: str | None = None

    def column(self, name: str, seeds: Sequence[int]) -> list[Any]:
        """A measurement in the order of `seeds`; None for replicas or measurements that are not there."""
        values = self.columns.get(name)
        if values is None:
            return [None] * len(seeds)
        if self.seeds == seeds:
            return list(values)
        found = dict(zip(self.seeds, values, strict=True))
        return [found.get(seed) for seed in seeds]

    def over(self, former: Result) -> Result:
        """This result, completed with a former one's values of the same step for other seeds."""
        seeds = self.seeds + [seed for seed in former.seeds if seed not in self.seeds]
        if seeds == self.seeds:
            return self
        columns: dict[str, Sequence[Any]] = {}
        for name in {**former.columns, **self.columns}:
            old = former.column(name, seeds)
            columns[name] = self.column(name, self.seeds) + old[len(self.seeds) :]
        return replace(self, seeds=seeds, columns=columns, wall_time=max(self.wall_time, former.wall_time))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(TrialEntry):
    """A trial ended.

    Attributes:
        status: completed, diverged (every replica did), truncated (by the scheduler) or failed.
        message: why it failed; None otherwise.
        outcomes: the verdict on each replica, "" where it could not be told; [] where none was given.
        scores: of each replica, None where it diverged, a list where several metrics are searched; [] if unknown.
    """

    kind: ClassVar[str] = "ended"
    status: str
    message: str | None = None
    outcomes: list[str] = field(default_factory=list)
    scores: list[Any] = field(default_factory=list)


OfStudy = Session | Stopped | Floor | Look
OfTrial = Planned | Result | Ended
Entry = OfStudy | OfTrial
KINDS = (Session, Stopped, Floor, Look, Planned, Result, Ended)
_NAMES = {one.kind: tuple(f.name for f in fields(one)) for one in KINDS}


def to_json(entry: Entry) -> Json:
    """The object that a ledger's line holds."""
    return {"kind": entry.kind, **{name: getattr(entry, name) for name in _NAMES[entry.kind]}}
