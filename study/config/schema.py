"""A study's configuration as types: its sections, their defaults and ranges, strict and frozen.

What the types alone cannot say is in `study.config.rules`; `study.config.loading` brings both together.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from analysis.results.thresholds import EARLIER, Thresholds, is_earlier
from study.config.addresses import masked, problem_of
from study.config.messages import nearest, shown

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"  # of a study


class Section(BaseModel):
    """What all sections share: no unknown key, no silent conversion, no change after loading."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def _named(value: Any) -> Any:
    """`asha` and `{name: asha}` are the same, and null is `none`."""
    return {"name": value or "none"} if value is None or isinstance(value, str) else value


def _unnamed(value: Any) -> Any:
    """`samples` and `{name: samples}` are the same."""
    return {"name": value} if isinstance(value, str) else value


def _kept(value: Any) -> Any:
    """`all` and `{generators: all}` are the same, and null is `none`."""
    return {"generators": value or "none"} if value is None or isinstance(value, str) else value


def _thresholds(value: Any) -> Thresholds:
    """Thresholds from a mapping; their names, types and ranges are declared by the dataclass alone.

    What a study under the earlier rule wrote out becomes the present defaults.
    """
    if isinstance(value, Thresholds):
        return value
    if not isinstance(value, dict):
        raise ValueError(f"expected a mapping, got {shown(value)}")
    if is_earlier(value):
        return Thresholds()
    known = [field.name for field in fields(Thresholds)]
    for key, given in value.items():
        if key in EARLIER.difference(known):
            raise ValueError(
                f"outcomes.{key}: unknown key; it belonged to the earlier rule of outcomes. The present keys, which"
                f" docs/outcomes.md explains, are {', '.join(known)}"
            )
        if key not in known:
            raise ValueError(f"outcomes.{key}: unknown key; the nearest valid key is '{nearest(key, known)}'")
        expected, kinds = ("a name or null", (str, type(None))) if key == "metric" else ("a number", (int, float))
        if isinstance(given, bool) or not isinstance(given, kinds):
            raise ValueError(f"outcomes.{key}: expected {expected}, got {shown(given)}")
    return Thresholds(**value)


Plain = dict[str, Any]
Names = Annotated[tuple[str, ...], Field(strict=False)]


class Equal(Section):
    """What every trial of a study spends alike: generator `updates`, real `samples` seen, or `arithmetic` (operations).

    A trial may spend `per_step` of it for each of `budget.steps`; null: what the study's cheapest configuration spends
    in an update with one critic step (`study.config.reference`). Of updates it is one, and null.
    """

    name: Literal["updates", "samples", "arithmetic"] = "updates"
    per_step: float | None = Field(default=None, gt=0, le=1e18)


class Budget(Section):
    """What every trial may spend.

    `steps` counts generator updates and is a multiple of `evaluations`; of a trial, if updates are what is `equal`,
    otherwise of the cheapest with one critic step. `batch_size` stands here unless it is a scientific or nuisance
    hyperparameter.
    """

    steps: int = Field(ge=1, le=10**9)
    evaluations: int = Field(default=20, ge=1, le=10**5)
    batch_size: int | None = Field(default=None, ge=1, le=10**6)
    equal: Annotated[Equal, BeforeValidator(_unnamed)] = Equal()


class Search(Section):
    """How each arm's nuisance hyperparameters are searched.

    An arm is searched `repeats` times, independently, with `trials_per_arm` trials each; what each repeat finds is
    confirmed. With a single search an arm, the study compares the configurations it found; claims about the arms
    themselves need several. With `confirm.until` there may be `most_repeats` of them.
    `metric` null: `study.config.rules` chooses what suits the data. Several metrics, each with its mode, make a search
    for their Pareto front. `lag` is how many trials of an arm may
    be under way at once: trial k is drawn knowing the results of trials 0 … k − lag.
    """

    sampler: Literal["tpe", "random", "cmaes", "nsga2"] = "tpe"
    trials_per_arm: int = Field(default=20, ge=1, le=10**6)
    repeats: int = Field(default=1, ge=1, le=10**4)
    most_repeats: int | None = Field(default=None, ge=2, le=10**4)
    metric: str | tuple[str, ...] | None = None
    mode: str | tuple[str, ...] = "min"
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


class Keep(Section):
    """Whose trained generators are kept: of `confirmed` trials, besides of each search's `best`, of `all`, or `none`.

    With `critics` their critics are kept too.
    """

    generators: Literal["confirmed", "best", "all", "none"] = "confirmed"
    critics: bool = False

    def writes(self, confirmed: bool) -> bool:
        """Whether a trial that ends, confirmed or of a search, is kept; of `best`, until a better one ends."""
        return self.generators in ("best", "all") or (confirmed and self.generators == "confirmed")


class Scheduler(Section):
    """Early stopping: `asha` lets a trial run `grace` evaluations, then keeps one in `reduction` at each rung."""

    name: Literal["none", "asha"] = "none"
    grace: int = Field(default=1, ge=1)
    reduction: int = Field(default=3, ge=2, le=100)


class Confirm(Section):
    """The `top` configurations of each arm trained again on `replicas` fresh seeds; `top: 0` or null: none.

    With `until: decided`, and then `top: 1`, seeds are added in rounds until each pair of arms is told apart or there
    are `most` (`study.config.rounds`).
    """

    top: int = Field(default=0, ge=0, le=1000)
    replicas: int = Field(default=32, ge=1, le=4096)
    until: Literal["decided"] | None = None
    most: int | None = Field(default=None, ge=2, le=8192)

    @model_validator(mode="before")
    @classmethod
    def _something_to_decide(cls, value: Any) -> Any:
        return {"top": 1, **value} if isinstance(value, dict) and value.get("until") else value

    def __bool__(self) -> bool:
        """Whether anything is confirmed."""
        return self.top > 0


class Resources(Section):
    """What a trial occupies; `gpu` is a fraction of one, or a whole number. `workers` null: as many as fit.

    A checkpoint is written at most every `checkpoint_seconds`. If an evaluation, with the training before it,
    takes longer than `evaluation_limit` seconds, its worker is ended; null: no limit. `storage` is where a cluster's
    nodes share files: a path, or an address such as s3://bucket/prefix.
    """

    cpu: float = Field(default=1.0, gt=0, le=4096)
    gpu: float = Field(default=0.0, ge=0, le=4096)
    workers: int | None = Field(default=None, ge=1, le=10**5)
    checkpoint_seconds: float = Field(default=10.0, ge=0, le=10**6)
    evaluation_limit: float | None = Field(default=None, gt=0, le=10**8)
    storage: str | None = None

    @field_validator("storage")
    @classmethod
    def _place(cls, value: str | None) -> str | None:
        if value is not None and (problem := problem_of(value)):
            raise ValueError(problem)
        return value


class Tracking(Section):
    """Where MLflow runs go (null: SQLite in the study folder) and how many steps of a trial log pictures."""

    uri: str | None = None
    pictures: int = Field(default=3, ge=0, le=10**4)

    @field_validator("uri")
    @classmethod
    def _no_secret(cls, value: str | None) -> str | None:
        """The configuration is stored in the study folder and its ledger, so it may hold no secret."""
        if value is not None and (hidden := masked(value)) != value:
            raise ValueError(
                f"expected an address without a password, got {hidden}; MLflow reads one from"
                " MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            )
        return value


def _or_nothing(value: Any) -> Any:
    return {} if value is None or (value == 0 and value is not False) else value


class StudyConfig(Section):
    """One study, as its YAML file says it; `study.config.loading` also checks what the types alone cannot say."""

    study: str
    data: Annotated[Plain, BeforeValidator(_unnamed)]
    budget: Budget
    replicas: int = Field(default=8, ge=1, le=4096)
    scientific: dict[str, Annotated[tuple[Any, ...], Field(strict=False)]] = {}
    nuisance: Plain = {}
    fixed: Plain = {}
    evaluation: Plain = {}
    measure: Names = ()
    outcomes: Annotated[Thresholds, BeforeValidator(_thresholds)] = Thresholds()
    search: Search = Search()
    scheduler: Annotated[Scheduler, BeforeValidator(_named)] = Scheduler()
    confirm: Annotated[Confirm, BeforeValidator(_or_nothing)] = Confirm()
    keep: Annotated[Keep, BeforeValidator(_kept)] = Keep()
    resources: Resources = Resources()
    tracking: Tracking = Tracking()

    @field_validator("study")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        if not re.fullmatch(NAME, value):
            raise ValueError(
                "expected at most 64 letters, digits, '_', '-' and '.', a letter or digit first,"
                f" as it names a folder, got {shown(value)}"
            )
        return value

    def resolved(self) -> dict[str, Any]:
        """Plain data, every default written out, that `build` turns back into an equal configuration."""
        return self.model_dump(mode="json")
