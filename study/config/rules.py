"""Consistency rules between the parts of a configuration, beyond names, types and ranges.

Everything here is decided from the configuration alone; `study.config.readiness` looks at the machine.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.record import schema
from analysis.results.thresholds import NOISE_KNOWN
from analysis.wording import listed
from study.config.arms import Arm, arms_of, check_arms, mistakable
from study.config.combinations import place
from study.config.measured import OF_MODES, OF_POINTS, measured, of_raw_points
from study.config.messages import ConfigError, brief, see, shown
from study.config.own import locations
from study.config.packs import pack_sizes
from study.config.plan import StudyPlan
from study.config.reference import settled_budget
from study.config.rounds import check_rounds
from study.config.schema import StudyConfig
from study.config.sections import Search
from study.config.seeds import check_repeats
from study.config.suggestions import KEYS, unknown
from trainables import data, own_code
from trainables.checks import close_to
from trainables.metrics import evaluator, own
from trainables.metrics.feature_spaces import OF_PICTURES, least
from trainables.metrics.measurements import require_samples


def settled(config: StudyConfig) -> StudyPlan:
    """The study with its data and evaluation settings written out, every rule checked. Raises `ConfigError`."""
    _hyperparameters(config)
    config = config.model_copy(update={"data": _data(config)})
    config = config.model_copy(update={"evaluation": _evaluation(config)})
    arms = arms_of(config)
    check_arms(config, arms)
    config = config.model_copy(update={"budget": settled_budget(config, arms)})
    named = config.search.metric is not None
    config = config.model_copy(update={"search": _metric_chosen(config, arms)})
    _search(config, arms, named)
    check_repeats(config)
    _repeats_by_name(config, arms)
    check_rounds(config)
    _scheduler(config)
    _outcomes(config, arms)
    _resources(config)
    return StudyPlan(config, arms, config.search.goal, pack_sizes(config, arms))


def _hyperparameters(config: StudyConfig) -> None:
    """Each key is known and stands in one place; what some entries of `scientific` set themselves may also stand where
    the others have it from."""
    everywhere = [key for key in config.entries[0] if all(key in entry for entry in config.entries)]
    several = len(config.entries) > 1
    stands = {key: "a key of every entry of scientific" if several else place(config, 0, key) for key in everywhere}
    if config.budget.batch_size is not None:
        _stands(stands, "batch_size", "budget")
    paths = [(place(config, number, key), key) for number, entry in enumerate(config.entries) for key in entry]
    paths += [(f"{section}.{key}", key) for section in ("nuisance", "fixed") for key in getattr(config, section)]
    if strange := [_unknown(path, key) for path, key in paths if key not in KEYS]:
        raise ConfigError("\n".join(dict.fromkeys(strange)))
    for section in ("nuisance", "fixed"):
        for key in getattr(config, section):
            _stands(stands, key, section)
    if "batch_size" not in stands:
        some = next((one for one in range(len(config.entries)) if "batch_size" not in config.entries[one]), None)
        got = "none" if len(config.entries) == 1 else f"none for entry {some} of scientific"
        raise ConfigError(f"budget.batch_size: expected a value here or under scientific, nuisance or fixed, got {got}")


def _unknown(path: str, key: str) -> str:
    return f"{path}: unknown hyperparameter; {unknown([path.partition('.')[0]], key, KEYS)}"


def _stands(stands: dict[str, str], key: str, section: str) -> None:
    """Note where a hyperparameter stands; refused where it does already."""
    if key in stands:
        raise ConfigError(f"{section}.{key}: expected each hyperparameter in one place, got it also as {stands[key]}")
    stands[key] = f"{section}.{key}"


def _data(config: StudyConfig) -> dict[str, Any]:
    """The data set's name and every setting, paths absolute; its files need not be there."""
    name = config.data.get("name")
    if name is None:
        raise ConfigError(f"data.name: expected one of {', '.join(data.DATASETS)}, got nothing")
    settings = {key: value for key, value in config.data.items() if key != "name"}
    try:
        return {"name": name, **data.source(name, **settings).settings()}
    except (ValueError, OSError, RuntimeError) as error:
        raise ConfigError(brief(error)) from None


def _evaluation(config: StudyConfig) -> dict[str, Any]:
    """Every setting of the evaluation, paths absolute."""
    given = dict(config.evaluation)
    try:
        for name in ("weights", "classifier"):
            if isinstance(given.get(name), str):
                given[name] = str(Path(given[name]).expanduser().absolute())
        checked = evaluator.check(given, config.measure)
        source = data.source(**config.data)
        if source.counts is not None:
            evaluator.require_points(
                *source.counts, source.of_mixture, checked, config.measure, keys=("data.points", "data.heldout")
            )
        settings = asdict(checked)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise ConfigError(brief(error)) from None
    description = data.describe(**config.data)
    features = settings["features"]
    if features in OF_PICTURES and not (description.images and (features != "classifier" or description.classes)):
        expected = f"raw, as '{config.data['name']}' has no images"
        if description.images:
            others = ", ".join(name for name in OF_PICTURES if name != features)
            expected = f"raw or one of {others}, as {data.source(**config.data).without_classes}"
        raise ConfigError(f"evaluation.features: expected {expected}, got {shown(features)}")
    if "infinity" in config.measure:
        try:
            require_samples(least(features, description.shape), settings["samples"])
        except ValueError as error:
            raise ConfigError(brief(error)) from None
    return settings


def _metric_chosen(config: StudyConfig, arms: tuple[Arm, ...]) -> Search:
    """The search with a metric: where none is named `OF_MODES` for mixtures of several modes, `OF_POINTS`, of which
    more is better, for other points in raw features, and otherwise fid.

    Of a single Gaussian fid, which is exact there, sees more: a generator that draws its mean alone has all its mass
    within three standard deviations."""
    search, description = config.search, data.describe(**config.data)
    if search.metric is not None:
        return search
    if of_raw_points(config) and all(OF_POINTS in measured(config, arm) for arm in arms):
        mode = {} if "mode" in search.model_fields_set else {"mode": "max"}
        return search.model_copy(update={"metric": OF_POINTS, **mode})
    several = description.classes > 1 and all(OF_MODES in measured(config, arm) for arm in arms)
    for arm in arms:
        if "fid" not in (valid := measured(config, arm)):
            raise ConfigError(
                f"search.metric: expected one of {', '.join(sorted(valid))}, as fid, which null stands for, is not"
                f" measured here, got null (arm {arm.name})"
            )
    return search.model_copy(update={"metric": OF_MODES if several else "fid"})


def _search(config: StudyConfig, arms: tuple[Arm, ...], named: bool) -> None:
    search = config.search
    if len(search.modes) != len(search.metrics):
        raise ConfigError(
            f"search.mode: expected one, or one for each of {listed(search.metrics)}, got {listed(search.modes)}"
        )
    if len(set(search.metrics)) != len(search.metrics):
        raise ConfigError(f"search.metric: expected each metric once, got {', '.join(search.metrics)}")
    if (search.sampler == "nsga2") != (len(search.metrics) > 1):
        expected = "two or more metrics for" if search.sampler == "nsga2" else "nsga2 where there are several,"
        raise ConfigError(f"search.metric: expected {expected} sampler {search.sampler}, got {listed(search.metrics)}")
    if search.sampler != "tpe" and not search.multivariate:
        raise ConfigError(f"search.multivariate: expected true, its default, with sampler {search.sampler}, got false")
    _diverged_at_most(config)
    for metric, mode in zip(search.metrics, search.modes, strict=True):
        _metric(config, arms, metric, mode, named)
    if search.sampler == "cmaes":
        for arm in arms:
            choices = [name for name, space in arm.space.items() if not space.numeric]
            if choices or len(arm.space) == 1:
                raise ConfigError(
                    "search.sampler: expected numeric spaces, two or more, for cmaes, got"
                    f" {', '.join(choices or arm.space)} (arm {arm.name})"
                )


def _repeats_by_name(config: StudyConfig, arms: tuple[Arm, ...]) -> None:
    """No trial of one arm is called as a trial of another arm's repeat."""
    repeats = max(config.search.repeats, config.search.most_repeats or 0)
    for repeat, other, arm in mistakable(arms)[:1]:
        if repeat < repeats:
            raise ConfigError(
                f"scientific: expected arms that are not called as another's repeats, of which there are {repeats}, got"
                f" '{arm.name}', as trials of repeat {repeat} of '{other.name}' are called; an entry may give its arms"
                " a name"
            )


def _diverged_at_most(config: StudyConfig) -> None:
    share, one = config.search.diverged_at_most, 1 / config.replicas
    if share is None:
        return
    if config.search.sampler == "cmaes":
        raise ConfigError(
            f"search.diverged_at_most: expected null with sampler cmaes, which knows no constraints, got {share:g}"
        )
    if 0 < share < one:
        least = f"0 or at least {math.ceil(1e4 * one) / 1e4:g}" if one < 0.5 else "0"  # rounded up: it is allowed
        of = f"{config.replicas} replicas" if config.replicas > 1 else "one replica"
        raise ConfigError(f"search.diverged_at_most: expected {least}, as less than one of {of} is none, got {share:g}")


def _metric(config: StudyConfig, arms: tuple[Arm, ...], metric: str, mode: str, named: bool) -> None:
    if mode not in ("min", "max"):
        raise ConfigError(f"search.mode: expected min or max, got {shown(mode)}")
    for arm in arms:
        if metric not in (valid := measured(config, arm)):
            raise ConfigError(
                f"search.metric: expected what is measured here, got {shown(metric)}{close_to(metric, sorted(valid))}"
                f" (arm {arm.name}){see('names.md#measurements')}"
            )
    if metric.startswith(schema.OWN):
        _own_metric(config, metric, mode)
        return
    better = "max" if metric in schema.HIGHER else "min"
    if mode != better and metric in schema.DIRECTED:
        what = metric if named else f"{metric}, which search.metric null stands for,"
        raise ConfigError(f"search.mode: expected {better}, as {what} is better so, got {mode}")


def _own_metric(config: StudyConfig, metric: str, mode: str) -> None:
    """What is searched for must say which way is better; known once the user's own code may be imported."""
    if not own_code.allowed(locations(config)):
        return
    try:
        declared = {one.column: one.better for one in own.every(config.measure)}[metric]
    except (ValueError, TypeError) as error:
        raise ConfigError(brief(error)) from None
    if declared is None:
        raise ConfigError(
            f"search.metric: expected a measurement that says which way is better, got {metric}; put"
            " @trainables.metrics.own.better('high'), or 'low', above the function"
        )
    better = "max" if declared == "high" else "min"
    if mode != better:
        raise ConfigError(
            f"search.mode: expected {better}, as {metric} is declared to be better {declared}, got {mode}"
        )


def _scheduler(config: StudyConfig) -> None:
    if config.scheduler.name != "asha":
        return
    if len(config.search.metrics) > 1:
        raise ConfigError(
            f"scheduler.name: expected none with several metrics, got asha for {listed(config.search.metrics)}"
        )
    if config.scheduler.grace > config.budget.evaluations:
        raise ConfigError(
            f"scheduler.grace: expected at most budget.evaluations = {config.budget.evaluations},"
            f" got {config.scheduler.grace}"
        )


def _outcomes(config: StudyConfig, arms: tuple[Arm, ...]) -> None:
    """The judged metric is one whose sampling noise is known, so that a swing can be told from it."""
    metric = config.outcomes.metric
    for arm in arms if metric is not None else ():
        known = [name for name in NOISE_KNOWN if name in measured(config, arm)]
        if metric not in known:
            names = f"one of {', '.join(known)}, whose sampling noise is known, or null" if known else "null"
            raise ConfigError(f"outcomes.metric: expected {names}, got {shown(metric)} (arm {arm.name})")


def _resources(config: StudyConfig) -> None:
    gpu = config.resources.gpu
    if gpu > 1 and gpu != int(gpu):
        raise ConfigError(f"resources.gpu: expected a fraction of one or a whole number, got {gpu:g}")
