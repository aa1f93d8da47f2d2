"""What training a spec costs, estimated before it runs: floating-point operations, and seconds of one processor core.

Operations per sample: g for the generator forwards, d for the critic. A backward pass costs twice the forward one, once
where only inputs or only weights need gradients, so a critic update costs 6d + g, a penalty on its gradient another 6d,
a generator update 3g + 2d.

The constants were measured on processor cores (x86, one thread, 2025); the estimate was within a factor of two in the
cases tried. It does not model GPUs.
"""

from __future__ import annotations

import json
from functools import lru_cache

from trainables import data
from trainables.networks import Network
from trainables.penalties import PENALTIES
from trainables.spec import Spec

SECONDS_PER_FLOP = {"mlp": 2.5e-11, "conv": 6e-11}
SECONDS_PER_UPDATE = 4e-4  # of a whole population
SECONDS_PER_EVALUATION = 0.02  # of a replica, on top of its networks' arithmetic
SECONDS_PER_CELL = 4e-8  # of a map of Dirac-GANs, for each move of each replica
INCEPTION = 1.1e10  # operations per image
ARCHITECTURE = ("data", "model", "latent_dim", "conditioning", "generator", "critic")  # what operations depend on


def seconds(spec: Spec, replicas: int) -> float:
    """Seconds of one core that training `replicas` replicas takes, evaluations included.

    The spec's data and evaluation name every setting. Neither the loading of the data nor a classifier counts.
    """
    if spec.model == "dirac":
        cells = int(spec.data["step"]["count"]) * int(spec.data["gamma"]["count"])
        return spec.steps * (SECONDS_PER_UPDATE + SECONDS_PER_CELL * cells * replicas * (1 + spec.critic_steps))
    g, d = _operations(json.dumps({name: value for name, value in spec.to_dict().items() if name in ARCHITECTURE}))
    penalised = 6 * d if PENALTIES[spec.penalty["name"]].points else 0.0
    step = spec.batch_size * (spec.critic_steps * (6 * d + g + penalised) + 3 * g + 2 * d)
    features = INCEPTION if spec.evaluation["features"] == "inception" else 0.0
    evaluation = spec.evaluation["samples"] * (g + 2 * d + features)
    rate = SECONDS_PER_FLOP["conv" if "conv" in (spec.generator["kind"], spec.critic["kind"]) else "mlp"]
    fixed = spec.steps * SECONDS_PER_UPDATE * (1 + spec.critic_steps)
    fixed += replicas * spec.evaluations * SECONDS_PER_EVALUATION
    total: float = fixed + rate * replicas * (spec.steps * step + spec.evaluations * evaluation)
    return total


@lru_cache(maxsize=4096)
def _operations(architecture: str) -> tuple[float, float]:
    """Operations per sample of the generator's and the critic's forward pass; JSON is a hashable key for the cache."""
    spec = Spec.from_dict({**json.loads(architecture), "steps": 1, "evaluations": 1, "batch_size": 1})
    shape, classes = data.describe(**spec.data)
    generator, critic = spec.networks(shape, classes)
    return forward(generator, shape[-1], growing=True), forward(critic, shape[-1], growing=False)


def forward(network: Network, side: int, growing: bool) -> float:
    """Operations of one sample's pass through a network on images `side` pixels wide; of an MLP the side is ignored.

    Two for each weight of a dense layer, and for each of a convolution at every position it is put. Every convolution
    halves the side of the image or, in a generator (`growing`), doubles it up to `side`.
    """
    convolutions = [weight.size for weight in network.weights if len(weight.shape) == 4]
    positions = [(side >> halvings) ** 2 for halvings in range(1, len(convolutions) + 1)]
    dense = sum(weight.size for weight in network.weights if len(weight.shape) == 2)
    placed = zip(convolutions, reversed(positions) if growing else positions, strict=True)
    return 2.0 * (dense + sum(size * count for size, count in placed))
