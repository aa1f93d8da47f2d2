"""A population of 32 replicas against 32 plain PyTorch loops, on one thread: the cost of one replica's step.

The plain loop is what a competent user writes: `nn.Sequential`, fused Adam (the fastest of torch's three at these
sizes), data resident in memory, real and generated samples through the critic in one batch, and no gradient of the
critic's weights in the generator's step. One loop is timed and stands for 32, as loops that run one after another do
not help each other. Costs are processor time, which other processes on the machine disturb less than the clock.

    python -m benchmarks.population [turns]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from benchmarks.comparison import Comparison, in_turns, table
from trainables.data import load
from trainables.metrics.evaluator import Evaluator
from trainables.spec import Spec
from trainables.training import Training

REPLICAS = 32
SECONDS = 1.0  # about what one turn takes on either side
# Width, batch, target, and the prediction: the ratio that an early prototype had.
SIZES = ((32, 64, 12.0, 6.1 / 0.35), (64, 128, 5.0, 6.5 / 1.0), (128, 256, 1.4, 5.3 / 3.6))


class Unmeasured(Evaluator):
    """Measures nothing, so that training alone is timed."""

    samples = 2

    def __init__(self) -> None:
        pass

    def __call__(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:  # noqa: ARG002
        return {}


def mlp(inputs: int, width: int, outputs: int, activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, width), activation, nn.Linear(width, width), activation, nn.Linear(width, outputs)
    )


def plain_loop(data: Tensor, width: int, batch: int) -> Iterator[None]:
    """Train a GAN; every item is one step."""
    generator, critic = mlp(2, width, 2, nn.ReLU()), mlp(2, width, 1, nn.LeakyReLU(0.2))
    generator_adam = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True)
    critic_adam = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True)
    while True:
        real = data[torch.randint(len(data), (batch,))]
        with torch.no_grad():
            fake = generator(torch.randn(batch, 2))
        on_real, on_fake = critic(torch.cat([real, fake])).chunk(2)
        critic_adam.zero_grad()
        (softplus(-on_real).mean() + softplus(on_fake).mean()).backward()
        critic_adam.step()

        critic.requires_grad_(False)
        generator_adam.zero_grad()
        softplus(-critic(generator(torch.randn(batch, 2)))).mean().backward()
        generator_adam.step()
        critic.requires_grad_(True)
        yield


def population(width: int, batch: int, interval: int, evaluations: int) -> Training:
    """32 replicas of the same training, `interval` steps to an `advance`."""
    spec = Spec(
        data={"name": "ring"},
        steps=interval * evaluations,
        evaluations=evaluations,
        batch_size=batch,
        generator={"hidden": [width, width]},
        critic={"hidden": [width, width]},
    )
    return Training(spec, range(REPLICAS), evaluator=Unmeasured())


def cost(step: Callable[[], object], calls: int, replica_steps: int) -> float:
    """Milliseconds of processor time per replica and step of so many calls."""
    start = time.process_time()
    for _ in range(calls):
        step()
    return (time.process_time() - start) / replica_steps * 1e3


def steps_in(seconds: float, step: Callable[[], object]) -> int:
    """How many steps take about that long, judged by a few."""
    step()
    return max(5, round(seconds * 1e3 / cost(step, 3, 3)))


def one_size(width: int, batch: int, data: Tensor, turns: int) -> list[tuple[float, float]]:
    """Costs of the plain loop and of the population in turns, the first of which is thrown away."""
    loop = plain_loop(data, width, batch)
    steps = steps_in(SECONDS, lambda: next(loop))
    interval = steps_in(SECONDS, population(width, batch, 1, 4).advance)
    training = population(width, batch, interval, turns + 1)
    return in_turns(
        turns + 1,
        lambda: cost(lambda: next(loop), steps, steps),
        lambda: cost(training.advance, 1, interval * REPLICAS),
    )[1:]


def compare(turns: int = 7) -> list[Comparison]:
    torch.set_num_threads(1)
    data = load(name="ring").train
    return [
        Comparison(
            what=f"training, {REPLICAS} replicas, width {width}, batch {batch}",
            peer="plain PyTorch loops",
            unit="ms a replica-step",
            turns=one_size(width, batch, data, turns),
            target=target,
            predicted=predicted,
            method=f"processor time on one thread, {turns} turns; one loop timed for {REPLICAS}",
        )
        for width, batch, target, predicted in SIZES
    ]


if __name__ == "__main__":
    print(table(compare(*map(int, sys.argv[1:]))))
