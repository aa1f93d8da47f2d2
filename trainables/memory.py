"""How much memory a training needs on its device, known before it runs, by counting, in bytes.

`least_bytes` is what a population takes at the least on a processor, and `replica_bytes` what one more replica takes at
the most on a card: weights, their gradients, Adam's two moments, look-ahead's slow weights and the generator's average,
twice, as a trial that shares a population has a copy of its own; every tensor that the networks make of one batch, kept
for the backward pass, of the critic's two halves and three times where a penalty differentiates the gradient again, or
SGA those of both networks, of a cyclegan's two games and six translations; the same again for every update of an
unrolled critic, with its weights and moments; the random numbers of a block of steps; and, instead of a batch where
that is more, the two largest tensors of as many samples as an evaluation makes at once. The networks are run without
numbers (on torch's device `meta`), so that whatever they are made of is counted.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from trainables import data, networks
from trainables.batches import BLOCK, CHUNK
from trainables.networks import Network
from trainables.penalties import PENALTIES
from trainables.population import views
from trainables.spec import ADVERSARIAL, ROLES, UNTRAINED, Spec

BATCH = 8  # samples that the networks are run with, some for those that normalise over them
COPIES = 4  # of a processor's weights: themselves, their gradients and two moments
DRAWN = 5  # float32 numbers that a drawn one takes: whole numbers have two, and blocks are joined from replicas'


def replica_bytes(spec: Spec) -> int | None:
    """Bytes that one more replica needs; None where networks are the user's own, which are not run to be counted.

    The spec's evaluation names its samples. Models that train no network need next to nothing.
    """
    if spec.own_networks:
        return None
    if spec.model in UNTRAINED:
        return 4 * DRAWN * BLOCK
    found = data.describe(**spec.data)
    generator, critic = spec.networks(found.shape, found.classes)
    if spec.model == "vae":
        critic = networks.critic(spec.critic, found.shape, outputs=2 * spec.latent_dim)
    weights = 2 * (5 * generator.size + 4 * critic.size)
    translates = spec.model == "cyclegan"
    made, largest = _made(generator, found.shape if translates else (spec.latent_dim,))
    packed = (found.shape[0] * spec.packing, *found.shape[1:])
    judged, largest_judged = _made(critic, found.shape if spec.model == "vae" else packed)
    names = [penalty["name"] for penalty in spec.penalties]
    again = 2 * sum(PENALTIES[name].points is not None or name == "consensus" for name in names)
    again += sum(len(PENALTIES[name].consistent) for name in names) / 2
    made += 4 * len(spec.augmentations) * math.prod(found.shape)
    judged += 4 * len(spec.augmentations) * math.prod(packed)
    adversarial = spec.model in ADVERSARIAL
    graphs = 3 if adversarial and spec.updates == "sga" else 1 + 3 * spec.unroll * adversarial
    if translates:  # by either generator once, there and back, and what is there already; and judged by either critic
        made, judged = 6 * made, 2 * judged
    training = spec.batch_size * graphs * (made + 2 * (1 + again) * judged)
    weights += 2 * (generator.size + critic.size) * bool(spec.lookahead and adversarial)
    weights += (generator.size + critic.size) * (spec.precision == "bf16")  # rounded ones and their gradients
    weights += 8 * critic.size * spec.unroll * adversarial
    evaluation = min(CHUNK, spec.evaluation["samples"]) * 2 * max(largest, largest_judged)
    return int(4 * (weights + max(training, evaluation) + DRAWN * BLOCK))


def least_bytes(spec: Spec, replicas: int) -> dict[str, int]:
    """Bytes that so many replicas that train together take at the least on a processor, by the setting that says how
    many: networks other than the user's own, as weights, gradients and two moments; and either the latents that an
    evaluation draws and joins or, where that is more, those of a step, what one replica's dense layers make of a batch,
    of both its halves in the critic, and for `matching` the pairs among its samples and of them with real ones."""
    if spec.model in UNTRAINED:
        return {}
    found = data.describe(**spec.data)
    roles = [role for role in ROLES if role not in {*spec.own_networks, *spec.idle}]
    networks = {role: COPIES * replicas * spec.network(role, found.shape, found.classes).size for role in roles}
    latents = 0 if "latent_dim" in spec.idle else 2 * replicas * spec.latent_dim
    dense = sum((1 + (role == "critic")) * sum(getattr(spec, role).get("hidden", ())) for role in roles)
    pairs = 2 * replicas * spec.batch_size if spec.model == "matching" else 0
    evaluation, step = spec.evaluation["samples"] * latents, spec.batch_size * (latents + dense + pairs)
    last = {"latent_dim": evaluation} if evaluation > step else {"batch_size": step}
    return {name: 4 * numbers for name, numbers in (networks | last).items()}


def _made(network: Network, shape: tuple[int, ...]) -> tuple[float, float]:
    """Numbers a sample: of all tensors that the network makes of it, and of the largest."""
    flat, x = torch.empty(1, network.size, device="meta"), torch.empty(1, BATCH, *shape, device="meta")
    labels = torch.empty(1, BATCH, dtype=torch.int64, device="meta") if network.classes else None
    with _Counting() as counting, torch.no_grad():
        network(views(network, flat), x, labels)
    return sum(counting.sizes) / BATCH, max(counting.sizes, default=0) / BATCH


class _Counting(TorchDispatchMode):
    """Notes the size of every tensor that is made within it, views left out."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sizes: list[int] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        tensors = [one for one in (made if isinstance(made, (tuple, list)) else [made]) if isinstance(one, Tensor)]
        self.sizes += [one.numel() for one in tensors if not one._is_view()]
        return made
