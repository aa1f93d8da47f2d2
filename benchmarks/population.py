"""A population of 32 replicas on one thread: the cost of one replica's step, against three peers.

The plain loop is what a competent user writes: `nn.Sequential`, fused Adam (the fastest of torch's three at these
sizes), data resident in memory, real and generated samples through the critic in one batch, and no gradient of the
critic's weights in the generator's step. One loop is timed and stands for 32, as loops that run one after another do
not help each other. JAX's population, `vmap` and `scan` with the same batches and optimiser, runs in an environment of
its own (`make jax`) and is left out where that is absent; its compilation is not timed. The third peer is a limit, the
products of a step's matrices alone, by torch. Costs are processor time, which other processes on the machine disturb
less than the clock.

    python -m benchmarks.population [turns]
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
# Width, batch, target, and the prediction: that of the former version by autograd, times two as the kernels promised.
SIZES = ((32, 64, 12.0, 20.0), (64, 128, 5.0, 8.0), (128, 256, 1.4, 2.5))
JAX = Path(__file__).parents[1] / "build/jax/bin/python"


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


def plain_players(width: int) -> tuple[nn.Module, nn.Module]:
    """A generator and a critic of points in the plane, with two hidden layers."""
    return mlp(2, width, 2, nn.ReLU()), mlp(2, width, 1, nn.LeakyReLU(0.2))


def plain_loop(
    data: Tensor, players: tuple[nn.Module, nn.Module], batch: int, latent_dim: int = 2, r1: bool = False
) -> Iterator[None]:
    """Train a generator and a critic on `data`, on its device, with or without R1 of weight 1; every item is a step."""
    generator, critic = (player.to(data.device) for player in players)
    generator_adam, critic_adam = (
        torch.optim.Adam(player.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True, capturable=data.is_cuda)
        for player in (generator, critic)
    )

    def latents() -> Tensor:
        return torch.randn(batch, latent_dim, device=data.device)

    while True:
        real = data[torch.randint(len(data), (batch,), device=data.device)]
        with torch.no_grad():
            fake = generator(latents())
        on_real, on_fake = critic(torch.cat([real, fake])).chunk(2)
        loss = softplus(-on_real).mean() + softplus(on_fake).mean()
        if r1:
            real.requires_grad_()
            (slope,) = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
            loss = loss + slope.flatten(1).square().sum(1).mean() / 2
        critic_adam.zero_grad()
        loss.backward()
        critic_adam.step()

        critic.requires_grad_(False)
        generator_adam.zero_grad()
        softplus(-critic(generator(latents()))).mean().backward()
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


def beside_ours(width: int, batch: int, turns: int, peer: Callable[[], float]) -> list[tuple[float, float]]:
    """Costs of a peer's turn and of the population's in turns, the first of which is thrown away."""
    interval = steps_in(SECONDS, population(width, batch, 1, 4).advance)
    training = population(width, batch, interval, turns + 1)
    return in_turns(turns + 1, peer, lambda: cost(training.advance, 1, interval * REPLICAS))[1:]


def against_loop(width: int, batch: int, data: Tensor, turns: int) -> list[tuple[float, float]]:
    """Costs of the plain loop and of ours."""
    loop = plain_loop(data, plain_players(width), batch)
    steps = steps_in(SECONDS, lambda: next(loop))
    return beside_ours(width, batch, turns, lambda: cost(lambda: next(loop), steps, steps))


@contextmanager
def jax_population(width: int, batch: int) -> Iterator[Callable[[], float]]:
    """A function that trains JAX's population for a turn: milliseconds of processor time a replica and step."""
    script = Path(__file__).with_name("jax_peer.py")
    arguments = [str(JAX), str(script), str(width), str(batch), str(REPLICAS), str(SECONDS)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ask, answers = process.stdin, process.stdout
        assert answers.readline() == "ready\n", "JAX's population did not start"

        def turn() -> float:
            ask.write("\n")
            ask.flush()
            return float(answers.readline())

        yield turn
        ask.close()


def against_jax(width: int, batch: int, turns: int) -> list[tuple[float, float]]:
    """Costs of JAX's population and of ours."""
    with jax_population(width, batch) as turn:
        return beside_ours(width, batch, turns, turn)


def products(width: int, batch: int) -> list[tuple[Tensor, Tensor]]:
    """The matrices that a step multiplies, stacked: of every layer but the critic's last (a sum), forwards, and
    backwards for weights and inputs as far as either is wanted."""
    found = []

    def add(rows: int, inputs: int, outputs: int, times: int) -> None:
        found.extend([(torch.randn(REPLICAS, rows, inputs), torch.randn(REPLICAS, inputs, outputs))] * times)

    # Generator: forwards twice, then the weights of three layers and the inputs of two. Critic: forwards and backwards
    # on both halves of its batch, then forwards and backwards to its input on generated samples.
    add(batch, 2, width, 2)
    add(batch, width, width, 2)
    add(batch, width, 2, 2)
    add(2, batch, width, 1)
    add(width, batch, width, 1)
    add(width, batch, 2, 1)
    add(batch, 2, width, 1)
    add(batch, width, width, 1)
    add(2 * batch, 2, width, 1)
    add(2 * batch, width, width, 2)
    add(2, 2 * batch, width, 1)
    add(width, 2 * batch, width, 1)
    add(batch, 2, width, 1)
    add(batch, width, width, 2)
    add(batch, width, 2, 1)
    return found


def against_products(width: int, batch: int, turns: int) -> list[tuple[float, float]]:
    """Costs of a step's products and of our whole step."""
    pairs = products(width, batch)

    def all_of_them() -> None:
        for a, b in pairs:
            torch.bmm(a, b)

    steps = steps_in(SECONDS, all_of_them)
    return beside_ours(width, batch, turns, lambda: cost(all_of_them, steps, steps * REPLICAS))


def compared(
    width: int, batch: int, peer: str, turns: list[tuple[float, float]], target: float, predicted: float, note: str
) -> Comparison:
    """One row; `note` ends what is said of how it was measured."""
    return Comparison(
        what=f"training, {REPLICAS} replicas, width {width}, batch {batch}",
        peer=peer,
        unit="ms a replica-step",
        turns=turns,
        target=target,
        predicted=predicted,
        method=f"processor time on one thread, {len(turns)} turns{note}",
    )


def compare(turns: int = 7) -> list[Comparison]:
    torch.set_num_threads(1)
    data = load(name="ring").train
    loops = [
        compared(
            width, batch, "plain PyTorch loops", against_loop(width, batch, data, turns), target, predicted,
            f"; one loop timed for {REPLICAS}",
        )
        for width, batch, target, predicted in SIZES
    ]  # fmt: skip
    jax = [
        compared(
            width, batch, "JAX, vmap and scan", against_jax(width, batch, turns), 1.3, predicted,
            ", compilation left out",
        )
        for width, batch, predicted in ((32, 64, 1.0), (64, 128, 1.3), (128, 256, 1.4))
        if JAX.exists()
    ]  # fmt: skip
    width, batch, *_ = SIZES[-1]
    limit = against_products(width, batch, turns)
    return [
        *loops,
        *jax,
        compared(width, batch, "the products of its matrices alone", limit, 0.67, 0.85, "; by torch's bmm"),
    ]


if __name__ == "__main__":
    print(table(compare(*map(int, sys.argv[1:]))))
