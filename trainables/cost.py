"""What training a spec costs, known before it runs: samples, operations, seconds of a processor core, bytes kept.

Operations per sample: g for the generator forwards, d for the critic. A backward pass costs twice the forward one, once
where only inputs or only weights need gradients, so a critic update costs 6d + g, a penalty on its gradient another 6d,
consistency of real or of generated samples 3d, a generator update 3g + 2d, and one more d where outputs are compared.
Extragradient does all of it twice. Consensus differentiates both gradients again for each player, three times as much
on top. SGA also takes either loss's gradient by the other's weights, four and a half times as much in all, 2.8 times
for a penalty on gradients. An unrolled update of the critic costs 18d + 3g and another 15d for such a penalty, the
first one 3d less of each. A cyclegan has two generators and critics, whose operations are added, and for each of its
weights that is not 0 another 3g; every update of it, a generator's, too, takes real samples of both domains. A VAE's
loss goes back through the decoder for either network, 4g + 3d, and moment matching costs 3g. What the networks do
counts, not what losses, penalties and optimisers do with their outputs.

A classifier of the data is trained, and the floor measured, once for a study.

The constants were measured on a processor core (x86 with AVX-512, one thread, the kernels in C, 2026) and are for
proportions: what this machine takes is measured (`trainables.timing`). They do not model GPUs. Of the studies that come
with ganstudy, but for CIFAR-10's, which was not timed, a step took 0.45 to 2 times as long as they say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from trainables import data, networks
from trainables.metrics.classifier import is_stacked, operations_each, step_operations, usual_steps
from trainables.metrics.evaluator import DRAWS, FEW_DRAWS
from trainables.metrics.feature_spaces import QUICK
from trainables.metrics.real_scores import again
from trainables.penalties import PENALTIES
from trainables.spec import MEANINGLESS, UNTRAINED, Spec

SECONDS_PER_FLOP = {"dense": 6e-12, "torch": 1.6e-11, "conv": 6e-12, "features": 2.5e-11}
SECONDS_PER_UPDATE = {"game": 1e-4, "torch": 5e-4}  # of a whole population
SECONDS_PER_OWN_UPDATE = 8e-4  # more, where networks are modules of the user's own
SECONDS_PER_ROUNDED_UPDATE = 2.5e-3  # more in bf16, which the kernels in C do not know
SECONDS_PER_EVALUATION = {"points": 0.0018, "images": 0.02}  # of a replica, on top of its networks' arithmetic
SECONDS_PER_CLASSIFIER_FLOP = 1.7e-11  # of a classifier's training; 1.2e-11 for (1, 28, 28), 2.4e-11 for (3, 128, 128)
SECONDS_PER_CELL = {"exact": 1e-8, "noisy": 2.6e-7}  # of a map of Dirac-GANs, for each move of each replica
FEATURES = {"inception": 1.1e10, "efficientnet_lite0": 8e8, "dinov2": 1.2e10}  # operations per image; of ViT-S/14
UNKNOWN = 60_000  # pictures to train on, where neither settings nor files say: as many as MNIST has
GAME = ("none", "clip", "r1", "r2")  # penalties that the kernels' whole update knows
ARCHITECTURE = ("data", "model", "latent_dim", "conditioning", "packing", "generator", "critic")  # operations depend on


def critic_updates(spec: Spec) -> int:
    """Critic updates for each of the generator's; 0 for models without a critic."""
    return 0 if "critic_steps" in MEANINGLESS.get(spec.model, ()) else spec.critic_steps


def real_samples(spec: Spec) -> int:
    """Real samples that a replica sees in one generator update and the critic updates that belong to it.

    A look ahead (extragradient) counts, as it takes a batch of its own, and so does the generator's batch where an
    unrolled critic learns from it. Measurements do not.
    """
    if spec.model in UNTRAINED:
        return 0
    if spec.model == "cyclegan":
        return 2 * spec.batch_size * (spec.critic_steps + 1) * _passes(spec)
    batches = max(1, critic_updates(spec)) * _passes(spec)
    return spec.batch_size * (batches + bool(spec.unroll and critic_updates(spec)))


def operations(spec: Spec) -> float:
    """Floating-point operations of a replica's networks in one generator update and the critic updates with it.

    0 for models that train no network.
    """
    if spec.model in UNTRAINED:
        return 0.0
    g, d, *_ = _networks(spec)
    if spec.model == "matching":
        return spec.batch_size * 3 * g
    if spec.model == "vae":
        return spec.batch_size * (4 * g + 3 * d)
    names = [penalty["name"] for penalty in spec.penalties]
    changed = 3 * d * sum(len(PENALTIES[name].consistent) for name in names)
    penalised = 6 * d * sum(PENALTIES[name].points is not None for name in names)
    compared = 0.0 if spec.pairing == "independent" else d  # the generator's loss scores real samples, too
    ways = 1 + (bool(spec.cycle_weight) + bool(spec.identity_weight) if spec.model == "cyclegan" else 0)
    update = spec.critic_steps * (6 * d + g + changed + penalised) + 3 * g * ways + 2 * d + compared
    if spec.updates == "sga":
        update = 4.5 * (update - penalised) + 2.8 * penalised
    if spec.unroll:
        update += spec.unroll * (18 * d + 3 * g + 3 * changed + 2.5 * penalised) - 3 * d - changed / 2 - penalised / 2
    return spec.batch_size * update * _passes(spec) * (4 if "consensus" in names else 1)


def seconds(spec: Spec, replicas: int) -> float:
    """Seconds of one core that training `replicas` replicas takes, evaluations included.

    The spec's data and evaluation name every setting. Neither the loading of the data nor what is prepared counts.
    """
    return spec.steps * step_seconds(spec, replicas) + spec.evaluations * evaluation_seconds(spec, replicas)


def step_seconds(spec: Spec, replicas: int) -> float:
    """Seconds of one core that a step of the population takes, a generator update with the critic's updates."""
    if spec.model == "dirac":
        cells = int(spec.data["step"]["count"]) * int(spec.data["gamma"]["count"])
        each = SECONDS_PER_CELL["noisy" if spec.penalties[0]["name"] == "instance_noise" else "exact"]
        return SECONDS_PER_UPDATE["game"] + each * cells * replicas * (1 + spec.critic_steps)
    update = SECONDS_PER_UPDATE["game" if _is_game(spec) else "torch"] * (2 if spec.model == "cyclegan" else 1)
    update += SECONDS_PER_OWN_UPDATE if spec.own_networks else 0.0
    if spec.precision == "bf16" and spec.model not in UNTRAINED:
        update += SECONDS_PER_ROUNDED_UPDATE
    return update * (1 + critic_updates(spec)) * _passes(spec) + _rate(spec) * replicas * operations(spec)


def evaluation_seconds(spec: Spec, replicas: int) -> float:
    """Seconds of one core that an evaluation of the population takes."""
    if spec.model == "dirac":
        return 0.0
    g, d, *_ = found = _networks(spec)
    each = SECONDS_PER_EVALUATION["images" if found.images else "points"]
    samples = int(spec.evaluation["samples"])
    measured = 2 if spec.model == "cyclegan" else 1  # sets of samples, there and back
    classes = SECONDS_PER_FLOP["conv"] * found.classifier
    return replicas * measured * (each + samples * (_rate(spec) * (g + 2 * d) + _features(spec) + classes))


def preparation_seconds(spec: Spec) -> float:
    """Seconds of one core that a study of such specs takes before its first trial: for the classifier that it trains
    where the data are labelled pictures and the evaluation names none, and for the floor."""
    if spec.model == "dirac":
        return 0.0
    found = data.describe(**spec.data)
    each = SECONDS_PER_EVALUATION["images" if found.images else "points"]
    draws = DRAWS if spec.evaluation["features"] in QUICK else FEW_DRAWS
    if found.classes and not data.source(**spec.data).of_mixture:
        draws += again(draws)
    floor = draws * (each + int(spec.evaluation["samples"]) * _features(spec))
    if not found.images or not found.classes or spec.evaluation["classifier"] is not None:
        return floor
    return floor + SECONDS_PER_CLASSIFIER_FLOP * classifier_steps(spec.data) * step_operations(found)


def classifier_steps(settings: Mapping[str, Any]) -> int:
    """How many steps a classifier of these pictures is trained for, as far as settings and files tell."""
    source = data.source(**settings)
    try:
        counts = source.counts or source.found()
    except (OSError, ValueError):  # they are not there yet, or no good, which is said elsewhere
        counts = None
    if counts is None or is_stacked(data.describe(**settings)):  # stacks are many, of digits that are few
        return usual_steps(UNKNOWN if source.of_files else 0)  # scikit-learn's digits: the least steps
    return usual_steps(counts[0])


def kept_bytes(spec: Spec, replicas: int, critics: bool = False) -> int:
    """Bytes of the weights that `trainables.kept` keeps of so many replicas, and with `critics` of their critics."""
    if spec.model in UNTRAINED:
        return 0
    generator, critic = _networks(spec).sizes
    averaged = 2 if spec.ema else 1
    return 4 * replicas * (averaged * generator + (critic if critics and critic_updates(spec) else 0))


def _passes(spec: Spec) -> int:
    """How often an update computes its gradients."""
    return 2 if spec.updates == "extragradient" and critic_updates(spec) else 1


def _is_game(spec: Spec) -> bool:
    """Whether the kernels do a whole update at once (`Players.dense`), as far as the spec tells."""
    names = [penalty["name"] for penalty in spec.penalties]
    changed = spec.instance_noise != 0 or spec.label_smoothing != 0 or spec.augmentations
    known = len(names) == 1 and names[0] in GAME and spec.pairing == "independent" and not changed
    return spec.model == "gan" and _networks(spec).dense and known and not _twice(spec)


def _twice(spec: Spec) -> bool:
    """Whether gradients by the weights are differentiated, for which an update is autograd's."""
    return spec.updates == "sga" or spec.unroll > 0 or any(one["name"] == "consensus" for one in spec.penalties)


def _rate(spec: Spec) -> float:
    """Seconds for an operation of the networks."""
    found = _networks(spec)
    if found.convolutions:
        return SECONDS_PER_FLOP["conv"]
    return SECONDS_PER_FLOP["dense" if found.dense else "torch"]


def _features(spec: Spec) -> float:
    """Seconds for the features of a sample; 0 for those of the user's own, of which nothing is known."""
    setting = spec.evaluation["features"]
    return SECONDS_PER_FLOP["features"] * FEATURES.get(setting, 0.0) if isinstance(setting, str) else 0.0


class _Networks(NamedTuple):
    """Operations per sample of the generator's and the critic's forward pass and of the classifier that tells the
    classes of labelled images (0: there is none), whether there are convolutions, whether both are layers that the
    kernels know, whether samples are images, and the numbers of one replica's weights."""

    generator: float
    critic: float
    classifier: float
    convolutions: bool
    dense: bool
    images: bool
    sizes: tuple[int, int]


def _networks(spec: Spec) -> _Networks:
    return _built(json.dumps({name: getattr(spec, name) for name in ARCHITECTURE}))


@lru_cache(maxsize=4096)
def _built(architecture: str) -> _Networks:
    """For the fields `ARCHITECTURE` of a spec; JSON is a hashable key for the cache."""
    settings = json.loads(architecture)
    batch = 2 * settings["packing"]  # of one a network that normalises would make a constant
    spec = Spec.from_dict({**settings, "steps": 1, "evaluations": 1, "batch_size": batch})
    found = data.describe(**spec.data)
    generator, critic = spec.networks(found.shape, found.classes)
    if spec.model == "vae":
        critic = networks.critic(spec.critic, found.shape, outputs=2 * spec.latent_dim)  # its encoder
    convolutions = any(len(weight.shape) > 3 for network in (generator, critic) for weight in network.weights)
    dense = all(getattr(network, "dense", None) is not None for network in (generator, critic))
    classifier = operations_each(found) if found.images and found.classes else 0.0
    each = generator.operations, critic.operations / spec.packing, classifier
    return _Networks(*each, convolutions, dense, found.images, (generator.size, critic.size))
