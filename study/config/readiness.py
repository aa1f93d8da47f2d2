"""Whether a study can run on this machine: its data's files, a feature space's packages, memory, processors, GPUs."""

from __future__ import annotations

import math
import os
from pathlib import Path

from torch import Tensor

from analysis.wording import listed, of_fewer_points
from study.config.addresses import file_of
from study.config.arms import corners, located, spec_for
from study.config.combinations import combinations
from study.config.messages import ConfigError, brief, see, shown
from study.config.plan import StudyPlan
from study.config.schema import StudyConfig
from trainables import checks, data, precision
from trainables.data.arrays import Arrays
from trainables.data.vision import Pictures
from trainables.memory import COPIES, least_bytes
from trainables.metrics import evaluator, feature_spaces
from trainables.metrics.classifier import Classifier
from trainables.spec import ROLES

BYTES = 4  # of a number
DEFAULT = "Default"  # its artifacts would go to mlruns in the working directory
FAR = 10.0  # times, from which on points are on another scale than samples begin with
MOST_NAMED = 5  # of coordinates
ROOM = 0.75  # of the memory that one of these may take; the rest is for weights, libraries and the other processes


def ready(plan: StudyPlan) -> list[str]:
    """Refuse what cannot run here, or on the cluster that RAY_ADDRESS names; return what is odd in the data, a sentence
    each. Raises `ConfigError`."""
    config = plan.config
    if config.study == DEFAULT:
        raise ConfigError(f"study: expected a name other than {DEFAULT}, MLflow's own experiment's, got {DEFAULT!r}")
    try:
        feature_spaces.require(config.evaluation["features"])
        data.check(**config.data)
        if (classifier := config.evaluation.get("classifier")) is not None:
            Classifier.load(classifier).refuse_other(data.describe(**config.data))
        _require_points(config)
        odd = _oddities(config)
    except (OSError, ValueError) as error:
        raise ConfigError(brief(error)) from None
    check_places(config)
    if os.environ.get("RAY_ADDRESS"):
        return odd  # its nodes may come and go, and Ray says what it waits for
    check_memory(config, checks.memory())
    gpus = 0
    if config.resources.gpu:
        import torch

        gpus = torch.cuda.device_count()
    else:
        check_training(plan, checks.memory())
    check_resources(config, gpus, os.cpu_count() or 1)
    if gpus:
        check_precision(config, "cuda")
    return odd


def _require_points(config: StudyConfig) -> None:
    """Refuse files with fewer points than can be measured."""
    source = data.source(**config.data)
    if (counts := source.found()) is not None:
        settings = evaluator.check(config.evaluation, config.measure)
        evaluator.require_points(*counts, source.of_mixture, settings, config.measure)


def _oddities(config: StudyConfig) -> list[str]:
    """What is odd in how many points there are, as far as a look tells, and in points of the user's own, which are read
    at once, where pictures take long.

    Raises `ValueError` for points that a run would refuse.
    """
    if config.data["name"] != Arrays.name or data.describe(**config.data).images:
        source = data.source(**config.data)
        counts = None if source.of_mixture else source.counts or source.found()
        odd = [] if counts is None else _few_held_out(config, counts[1])
        if isinstance(source, Pictures) and source.missing():
            odd.append(f"data.root: {source.name} is not under {source.root} yet, where a run puts it first")
        return odd
    found = data.load(**config.data)
    points, odd, batch = len(found.train), _few_held_out(config, len(found.heldout)), config.budget.batch_size or 0
    varied = found.train.amin(0) < found.train.amax(0)
    if constant := [str(one) for one in (~varied).nonzero()[:, 0].tolist()]:
        more = [f"{len(constant) - MOST_NAMED} more"] if len(constant) > MOST_NAMED else []
        which = listed([*constant[:MOST_NAMED], *more])
        one = len(constant) == 1
        odd.append(
            f"data: coordinate{'' if one else 's'} {which}, counted from 0, {'is' if one else 'are'} the same in all"
            f" points, which scaling does not change: leave {'it' if one else 'them'} out{see('own_data.md')}"
        )
    if varied.any():
        odd += _of_another_scale(found.train[:, varied].double())
    if batch > points:
        odd.append(f"budget.batch_size: a batch of {batch:,} has points several times, as there are {points:,}")
    return odd


def _of_another_scale(points: Tensor) -> list[str]:
    """What is said of points (n, d) on another scale than a generator begins with."""
    means, spreads = points.mean(0).abs(), points.std(0)
    if max(means.max(), spreads.max()) <= FAR and spreads.max() >= 1 / FAR:
        return []
    return [
        f"data: the points' coordinates have means up to {means.max():.3g} from 0 and standard deviations up to"
        f" {spreads.max():.3g}, while a generator begins near 0 with values of about 1: scale them first"
        + see("own_data.md")
    ]


def _few_held_out(config: StudyConfig, held: int) -> list[str]:
    """What is said of a floor of fewer points than a generator is measured by."""
    samples = config.evaluation["samples"]
    if held >= samples:
        return []
    factor = None if config.evaluation["features"] == "raw" else config.outcomes.factor
    words = of_fewer_points(f"{held:,} points", f"{samples:,} samples", factor)
    return [f"data.heldout: {words}{see('outcomes.md')}"]


def check_places(config: StudyConfig) -> None:
    """Refuse a path, named for the study to write to, at which no folder is or can be made. Raises `ConfigError`."""
    storage, database = config.resources.storage, file_of(config.tracking.uri or "")
    folders = {
        "resources.storage": None if storage is None or "://" in storage else Path(storage),
        "tracking.uri": database and database.parent,
    }
    for key, folder in folders.items():
        if folder is not None and not checks.can_be_written(folder):
            raise ConfigError(f"{key}: expected a folder that can be written, got {shown(str(folder))}")
    if database and database.exists() and not (database.is_file() and os.access(database, os.W_OK)):
        raise ConfigError(f"tracking.uri: expected a file that can be written, got {shown(str(database))}")


def check_precision(config: StudyConfig, device: str) -> None:
    """Refuse a precision that the device has not. Raises `ConfigError`."""
    searched = config.nuisance.get("precision", {}).get("choice", ())
    found = dict.fromkeys([config.fixed.get("precision", "fp32"), *searched])
    for one in combinations(config):
        found |= dict.fromkeys(
            one.space["precision"].choices if "precision" in one.space else [one.choices.get("precision", "fp32")]
        )
    for name in found:
        try:
            precision.require(name, device)
        except ValueError as error:
            raise ConfigError(brief(error)) from None


def check_memory(config: StudyConfig, available: int) -> None:
    """Refuse data, an evaluation or batches that alone exceed `ROOM` of the memory, in bytes. Raises `ConfigError`.

    What a study needs is more; how much, depends on the networks and on the measurements.
    """
    replicas = max(config.replicas, config.confirm.replicas if config.confirm else 0)
    points, heldout = data.source(**config.data).counts or (0, 0)
    larger = {"data.heldout": heldout} if heldout > points else {"data.points": points}
    got = larger | {"evaluation.samples": config.evaluation["samples"], "budget.batch_size": config.budget.batch_size}
    for (key, number), most in zip(got.items(), needed(config, replicas).values(), strict=True):
        if most > ROOM * available:
            together = "" if key in larger else f" with {replicas} replicas"
            raise ConfigError(f"{_expected(key, available, f'{number:,}')}, which take {most / 1e9:.0f} GB{together}")


def check_training(plan: StudyPlan, available: int) -> None:
    """Refuse arms of which a population takes more than `ROOM` of the memory, in bytes, at the least. Raises
    `ConfigError`, which names what takes most of it."""
    config = plan.config
    for arm in plan.arms:
        together = config.replicas * min(plan.packs.get(arm.name, 1), config.search.trials_per_arm)
        replicas = max(together, config.confirm.replicas if config.confirm else 0)
        for values in corners(arm.space):
            spec = spec_for(config, arm, values)
            least = least_bytes(spec, replicas)
            if (most := sum(least.values())) > ROOM * available:
                name = max(least, key=lambda name: least[name])
                weights = f"{least[name] // (COPIES * BYTES * replicas):,} weights"
                got = weights if name in ROLES else f"{getattr(spec, name):,}"
                taken = f"with which {replicas} replicas take {most / 1e9:.0f} GB or more"
                raise ConfigError(located(config, arm, f"{_expected(name, available, got)}, {taken}"))


def _expected(key: str, available: int, got: str) -> str:
    return f"{key}: expected what {ROOM:.0%} of this machine's {available / 1e9:.0f} GB of memory can hold, got {got}"


def needed(config: StudyConfig, replicas: int) -> dict[str, int]:
    """Bytes that the data, an evaluation and a batch of so many replicas take, by the key that says how many.

    An evaluation holds the samples of all replicas, twice while the generator's pieces are joined; then of one replica
    the features and two copies of them in float64. What it holds whatever the shape, as latents, outputs of the critic
    and distances from modes, was measured: at most `40 * replicas + 96` bytes a sample.
    """
    source = data.source(**config.data)
    size = BYTES * math.prod(source.shape)
    features = BYTES * feature_spaces.least(config.evaluation["features"], source.shape)
    sample = size * replicas + max(size * replicas, 5 * features) + 40 * replicas + 96
    return {
        "data.points": size * sum(source.counts or (0,)),
        "evaluation.samples": config.evaluation["samples"] * sample,
        "budget.batch_size": size * replicas * (config.budget.batch_size or 1),
    }


def check_resources(config: StudyConfig, gpus_available: float, cpus_available: float | None = None) -> None:
    """Refuse a trial that asks for more than there is, as it would never start. Raises `ConfigError`."""
    for kind, available in (("gpu", gpus_available), ("cpu", cpus_available)):
        asked = getattr(config.resources, kind)
        if available is not None and asked > available:
            raise ConfigError(
                f"resources.{kind}: expected at most {available:g}, all that this machine has, got {asked:g}"
            )
