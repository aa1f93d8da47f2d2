"""The sections of a configuration: their keys with types, ranges and defaults, and what each key means.

A key's meaning stands in the docstring of its section, its unit in brackets; docs/configuration.md is built from both.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from study.config.addresses import problem_of, tracking_problem
from study.config.goal import Goal
from study.config.messages import shown

MOST_IN_PACK = 10**4


class Section(BaseModel):
    """What all sections share: no unknown key, no silent conversion, no change after loading."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def unnamed(value: Any) -> Any:
    """`samples` and `{name: samples}` are the same."""
    return {"name": value} if isinstance(value, str) else value


class Equal(Section):
    """What every trial of a study spends alike. A name alone, `equal: samples`, is `equal: {name: samples}`.

    Attributes:
        name: generator `updates`, real `samples` seen, or `arithmetic`, which is floating-point operations.
        per_step (updates, samples or operations): what a trial may spend for each of `budget.steps`; null: one update,
            or else what the study's cheapest configuration spends in an update with one critic step.
    """

    name: Literal["updates", "samples", "arithmetic"] = "updates"
    per_step: float | None = Field(default=None, gt=0, le=1e18)


class Budget(Section):
    """What every trial may spend.

    Attributes:
        steps (generator updates): how long a trial trains, a multiple of `evaluations`; if samples or arithmetic are
            `equal`, how long the study's cheapest configuration with one critic step does.
        evaluations: how often a trial stops to be measured, evenly spaced; the last one is at its end.
        batch_size (samples): real samples, and as many generated ones, that an update of a network sees. It stands
            here unless it is a scientific or nuisance hyperparameter.
        equal: what all trials spend alike.
    """

    steps: int = Field(ge=1, le=10**9)
    evaluations: int = Field(default=20, ge=1, le=10**5)
    batch_size: int | None = Field(default=None, ge=1, le=10**6)
    equal: Annotated[Equal, BeforeValidator(unnamed)] = Equal()


class Search(Section):
    """How each arm's nuisance hyperparameters are searched.

    With a single search an arm, a study compares the configurations it found; claims about the arms themselves need
    several, of which each confirms what it found.

    Attributes:
        sampler: `tpe` (Optuna's default), `random`, `cmaes` (two or more spaces, all of numbers), `gp` (a Gaussian
            process, for searches of up to a few hundred trials, as each one drawn takes longer than the one before), or
            `nsga2`, which is for several metrics.
        multivariate: whether `tpe` draws the hyperparameters of a configuration jointly, as is Optuna's default, or
            each for itself; only for `tpe`.
        trials_per_arm (trials): configurations that each search of an arm tries.
        repeats (searches): how often each arm is searched, independently and on seeds of its own.
        most_repeats (searches): how many repeats there may be in the end with `confirm.until`; null: as many as
            `repeats`.
        metric: the measurement that is searched by, of its last value the median over the replicas, or a list of
            several for their Pareto front; null: `mass_js` for mixtures of several modes, `coverage` for other
            points in raw features, and `fid` for other data.
        mode: `min` or `max`, what is better of the metric; a list where there is one for each metric. `max` of the
            `coverage` that null stands for.
        diverged_at_most: the share of a configuration's replicas that may diverge, below half; where more did, it loses
            to every other, as a constraint of the search and in what is confirmed, and of those the one with the fewest
            diverged is first. Samplers are told by how much (`cmaes` cannot be). null: diverged replicas count in the
            median alone.
        seed: fixes what is drawn: configurations, and the seeds of all replicas.
        lag (packs): how many packs of a search's trials (`resources.pack`; by default of one trial each) may be under
            way at once: the trials of pack b are drawn knowing the results of packs 0 … b − lag, however many workers
            there are. Raise it for few arms on many workers.
    """

    sampler: Literal["tpe", "random", "cmaes", "gp", "nsga2"] = "tpe"
    multivariate: bool = True
    trials_per_arm: int = Field(default=20, ge=1, le=10**6)
    repeats: int = Field(default=1, ge=1, le=10**4)
    most_repeats: int | None = Field(default=None, ge=2, le=10**4)
    metric: str | tuple[str, ...] | None = None
    mode: str | tuple[str, ...] = "min"
    diverged_at_most: float | None = Field(default=None, ge=0, lt=0.5)
    seed: int = Field(default=0, ge=0, lt=2**32)
    lag: int = Field(default=2, ge=1, le=10**4)

    @field_validator("metric", "mode", mode="plain")
    @classmethod
    def _one_or_several(cls, value: Any, field: ValidationInfo) -> str | tuple[str, ...] | None:
        if (isinstance(value, str) and value) or (value is None and field.field_name == "metric"):
            return value
        if isinstance(value, (list, tuple)) and value and all(isinstance(v, str) and v for v in value):
            return tuple(value)
        raise ValueError(f"expected a name or a list of names, got {shown(value)}")

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is optimised, one name or several; none where it is not chosen yet."""
        return (self.metric,) if isinstance(self.metric, str) else self.metric or ()

    @property
    def modes(self) -> tuple[str, ...]:
        """`min` or `max` for each of `metrics`; a single mode holds for all."""
        modes = (self.mode,) if isinstance(self.mode, str) else self.mode
        return modes * len(self.metrics) if len(modes) == 1 else modes

    @property
    def goal(self) -> Goal:
        """What each search optimises."""
        return Goal(self.metrics, self.modes, self.diverged_at_most)


class Scheduler(Section):
    """Early stopping. A name alone, `scheduler: asha`, is `scheduler: {name: asha}`; null is `none`.

    Attributes:
        name: `none`, or `asha` (Li et al. 2020), which at each rung lets the best go on. What is searched then depends
            on the workers' timing.
        grace (evaluations): how many evaluations every trial has before it may be stopped; the first rung.
        reduction: of the trials that reach a rung one in so many goes on; the next rung is so many times later.
    """

    name: Literal["none", "asha"] = "none"
    grace: int = Field(default=1, ge=1)
    reduction: int = Field(default=3, ge=2, le=100)


class Confirm(Section):
    """The best configurations of each arm trained again, on fresh seeds. Null, or 0, is `top: 0`.

    Attributes:
        top (configurations): how many of each search are trained again; 0: none. 1 where another key is given.
        replicas (seeds): on how many seeds that took no part in choosing them, the same in every arm.
        until: `decided` adds seeds, or repeats, in rounds until each pair of arms is told apart or the limits are
            reached; null: one round.
        most (seeds): how many there may be in the end, `replicas` doubled once or more.
    """

    top: int = Field(default=0, ge=0, le=1000)
    replicas: int = Field(default=32, ge=1, le=4096)
    until: Literal["decided"] | None = None
    most: int | None = Field(default=None, ge=2, le=8192)

    @model_validator(mode="before")
    @classmethod
    def _something_to_confirm(cls, value: Any) -> Any:
        return {"top": 1, **value} if isinstance(value, dict) and value else value

    def __bool__(self) -> bool:
        """Whether anything is confirmed."""
        return self.top > 0


class Keep(Section):
    """Whose trained generators are kept. A name alone, `keep: all`, is `keep: {generators: all}`; null is `none`.

    Attributes:
        generators: of `confirmed` trials, besides of each search's `best`, of `all`, or `none`.
        critics: whether their critics are kept, too.
    """

    generators: Literal["confirmed", "best", "all", "none"] = "confirmed"
    critics: bool = False

    def writes(self, confirmed: bool) -> bool:
        """Whether a trial that ends, confirmed or of a search, is kept; of `best`, until a better one ends."""
        return self.generators in ("best", "all") or (confirmed and self.generators == "confirmed")


class Resources(Section):
    """What a trial occupies, how many train at once, and where nodes share files.

    Attributes:
        cpu (processor cores): of one trial, or pack; a fraction lets several trials share a core.
        gpu (GPUs): of one trial, or pack, a fraction of one or a whole number; 0.25 puts four on a card. It limits
            nobody's GPU memory.
        workers (packs): how many train at once at most; null: as many as fit.
        pack (configurations): how many of a search's trials train as one population in a worker's place: those of as
            many indices in a row, if they differ in learning rates, betas, averaging, noise, smoothing and penalties'
            settings alone; trials of other shapes train apart, and confirmations alone. `auto`: as many as fill a
            population (`study.config.packs`). A core trains 1.2 to 1.7 times as many trials of small networks by it.
        checkpoint_seconds (seconds): at most so often a checkpoint is written; so much is trained again after a kill.
        evaluation_limit (seconds): if an evaluation, with the training before it, takes longer, its worker is ended
            and the trial tried again; of a pack, for each of its trials; null: no limit.
        storage: where a cluster's nodes share files: a path, or an address such as s3://bucket/prefix; null: the
            study's folder.
    """

    cpu: float = Field(default=1.0, gt=0, le=4096)
    gpu: float = Field(default=0.0, ge=0, le=4096)
    workers: int | None = Field(default=None, ge=1, le=10**5)
    pack: Annotated[int, Field(ge=1, le=MOST_IN_PACK)] | Literal["auto"] = 1
    checkpoint_seconds: float = Field(default=10.0, ge=0, le=10**6)
    evaluation_limit: float | None = Field(default=None, gt=0, le=10**8)
    storage: str | None = None

    @field_validator("pack", mode="plain")
    @classmethod
    def _size_or_auto(cls, value: Any) -> Any:
        """One message, where pydantic has one for each alternative."""
        if value == "auto" or (type(value) is int and 1 <= value <= MOST_IN_PACK):
            return value
        raise ValueError(f"expected a whole number from 1 to {MOST_IN_PACK:,}, or auto, got {shown(value)}")

    @field_validator("storage")
    @classmethod
    def _place(cls, value: str | None) -> str | None:
        if value is not None and (problem := problem_of(value)):
            raise ValueError(problem)
        return value


class Tracking(Section):
    """MLflow.

    Attributes:
        uri: the address of a server, or of a database, without a password; null: SQLite in the study's folder.
        pictures (evaluations): at how many evaluations of a trial a picture of its samples is logged, evenly spaced.
    """

    uri: str | None = None
    pictures: int = Field(default=3, ge=0, le=10**4)

    @field_validator("uri")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        """The configuration is stored in the study folder and its ledger, so it may hold no secret."""
        if value is not None and (problem := tracking_problem(value)):
            raise ValueError(problem)
        return value
