"""Steps of a population against plain PyTorch, replica by replica."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from games import CRITIC_LR, GENERATOR_LR, ORDERS, REPLICAS, TOGETHER, Case, Game, pieces
from plain import LOSSES, RELATIVISTIC, Peer
from torch import Tensor

from trainables import penalties
from trainables.batches import Batch
from trainables.data import DataSet
from trainables.models.updates import step
from trainables.spec import UPDATES

CASES = [
    *[Case(objective, loss=loss, **order) for objective, loss in LOSSES for order in ORDERS],
    *[
        Case("non_saturating", p, **order)
        for p in penalties.PENALTIES
        for order in ORDERS
        if p not in ("none", "consensus")
    ],
    *[
        Case("minimax", p, **order)
        for p in ("r1+r2", "gradient_penalty+r1+dragan", "clip+max_gradient", "balanced_consistency+lecam+r2")
        for order in ORDERS
    ],
    Case("hinge", "spectral_norm+r2", packing=2),
    Case("energy", "lecam"),
    Case("hinge", "balanced_consistency", conditioning="join", noise=True),
    Case("hinge", "consistency+lecam", packing=3, pairing="relativistic_average", loss="non_saturating"),
    Case(penalty="lecam+balanced_consistency", scheduled=True, critic_norm=True),
    *[Case(o, p, pairing=pairing, loss=loss) for pairing, o, loss in RELATIVISTIC for p in ("none", "r1+r2")],
    *[Case(pairing="relativistic", **order) for order in ORDERS[1:]],
    Case("hinge", "gradient_penalty", loss="non_saturating", pairing="relativistic_average", noise=True, packing=2),
    Case(pairing="relativistic", conditioning="join", critic_steps=2),
    Case("minimax", "consensus", pairing="relativistic", updates="simultaneous"),
    *[
        Case(penalty="r1", every=n, compensated=c, critic_steps=s)
        for n in (2, 3)
        for c in (True, False)
        for s in (1, 2)
    ],
    Case("wasserstein", "gradient_penalty+r2", every=2, conditioning="join", updates="simultaneous"),
    *[Case(objective, "consensus", updates=u) for objective in ("minimax", "wasserstein") for u in TOGETHER[:2]],
    *[Case(noise=True, updates=updates) for updates in UPDATES],
    Case("wasserstein", "dragan", noise=True),
    *[Case(smoothing=True, updates=updates) for updates in UPDATES],
    *[Case("hinge", penalty, packing=m) for penalty in ("none", "gradient_penalty", "dragan", "r2") for m in (2, 3)],
    Case("least_squares", "r1", noise=True, smoothing=True, packing=4, updates="simultaneous"),
    *[
        Case("wasserstein", p, critic_steps=3)
        for p in ("clip", "gradient_penalty", "lipschitz_penalty", "spectral_norm")
    ],
    Case("hinge", "spectral_norm"),
    Case("energy", "r1"),
    Case("energy", "gradient_penalty"),
    Case(critic_norm=True),
    *[Case(penalty="r1+gradient_penalty", noise=True, scheduled=True, **order) for order in ORDERS],
    *[Case(optimizer=name, scheduled=True) for name in ("rmsprop", "sgd", "nesterov", "optimistic_adam")],
    Case("minimax", "consensus", updates="simultaneous", scheduled=True),
    Case(penalty="r2", every=2, scheduled=True),
    Case(optimizer="rmsprop"),
    Case(optimizer="sgd"),
    Case(optimizer="nesterov"),
    *[Case(optimizer="optimistic_adam", updates=updates) for updates in UPDATES],
    *[Case("hinge", p, 2, conditioning=c) for p in ("none", "r2", "spectral_norm") for c in ("join", "projection")],
    Case("least_squares", "gradient_penalty", conditioning="join", updates="simultaneous"),
]


def losses_at(game: Game, batches: Sequence[Batch]) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Both losses as functions of both players' flat weights, for torch.func and by hand."""
    players = game.players

    def losses(generator: Tensor, critic: Tensor) -> tuple[Tensor, Tensor]:
        theta, psi = pieces(players.generator, generator), pieces(players.critic, critic)
        return players.critic_loss(batches[0], theta, psi), players.generator_loss(batches[1], theta, psi)

    return losses


def flat_gradients(
    losses: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], theta: Tensor, psi: Tensor
) -> tuple[Tensor, Tensor]:
    """The critic's gradient of its loss and the generator's of its own."""
    critic_loss, generator_loss = losses(theta, psi)
    (up,) = torch.autograd.grad(critic_loss.sum(), psi, create_graph=True)
    (down,) = torch.autograd.grad(generator_loss.sum(), theta, create_graph=True)
    return up, down


def test_consensus_adds_the_gradient_of_half_the_squared_vector_field(ring: DataSet) -> None:
    case = Case(penalty="consensus", updates="simultaneous", optimizer="sgd")
    game = Game(case, ring)
    theta, psi = (x.requires_grad_() for x in game.everything())
    (batches,) = game.batches(1)
    up, down = flat_gradients(losses_at(game, batches), theta, psi)
    field = 0.5 * (up.square().sum(1) + down.square().sum(1))
    pull = torch.autograd.grad((game.players.consensus * field).sum(), (psi, theta))
    game.step(batches)
    rates = [torch.tensor(lr, dtype=torch.float64)[:, None] for lr in (CRITIC_LR, GENERATOR_LR)]
    torch.testing.assert_close(game.players.critic.flat, (psi - rates[0] * (up + pull[0])).detach())
    torch.testing.assert_close(game.players.generator.flat, (theta - rates[1] * (down + pull[1])).detach())


def test_extragradient_takes_the_gradients_of_where_it_looked(ring: DataSet) -> None:
    """With plain gradient descent (no momentum) the algorithm is two lines (Korpelevich 1976)."""
    game = Game(Case(updates="simultaneous", optimizer="sgd"), ring)
    for optimizer in game.optimizers:
        optimizer.beta1 *= 0
    theta, psi = (x.requires_grad_() for x in game.everything())
    (first,), (second,) = game.batches(1), game.batches(1)
    rates = [torch.tensor(lr, dtype=torch.float64)[:, None] for lr in (GENERATOR_LR, CRITIC_LR)]
    up, down = flat_gradients(losses_at(game, first), theta, psi)
    ahead = [(theta - rates[0] * down).detach().requires_grad_(), (psi - rates[1] * up).detach().requires_grad_()]
    up, down = flat_gradients(losses_at(game, second), ahead[0], ahead[1])
    step(game.players, game.optimizers, [*first, *second], game.alive, "extragradient", game.bound)
    torch.testing.assert_close(game.players.generator.flat, (theta - rates[0] * down).detach())
    torch.testing.assert_close(game.players.critic.flat, (psi - rates[1] * up).detach())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_steps_are_those_of_plain_torch(case: Case, ring: DataSet) -> None:
    game = Game(case, ring)
    peers = [Peer(game, i) for i in range(REPLICAS)]
    start = game.everything()
    for batches in game.batches(4):
        report = game.step(batches)
        expected = [peer.step(batches) for peer in peers]
        for name, losses in zip(("loss_critic", "loss_generator"), zip(*expected, strict=True), strict=True):
            torch.testing.assert_close(report[name], torch.stack(losses), rtol=1e-7, atol=1e-8)
    # GP's root is smoothed by 1e-12 under the root, hence not 1e-12 here.
    for stack, name in ((game.players.generator, "generator"), (game.players.critic, "critic")):
        theirs = torch.stack([peer.flat(getattr(peer, name)) for peer in peers])
        torch.testing.assert_close(stack.flat, theirs, rtol=1e-6, atol=1e-7)
    assert game.alive.all()
    assert all((new != old).any(1).all() for new, old in zip(game.everything(), start, strict=True))


@pytest.mark.parametrize(
    "case",
    [
        Case(updates="sga", optimizer="sgd"),  # Adam's first step would enlarge the rounding of small gradients
        Case("wasserstein", "spectral_norm", updates="sga", optimizer="sgd"),
        Case("minimax", "r1+r2", updates="sga", packing=2, optimizer="sgd"),
        Case("kl", conditioning="projection", updates="sga", noise=True, optimizer="sgd"),
    ],
    ids=str,
)
def test_an_adjusted_step_is_that_of_the_whole_jacobian(case: Case, ring: DataSet) -> None:
    game = Game(case, ring)
    peers = [Peer(game, i) for i in range(REPLICAS)]
    (batches,) = game.batches(1)
    game.step(batches)
    for i, peer in enumerate(peers):
        peer.step(batches)
        for stack, module in ((game.players.generator, peer.generator), (game.players.critic, peer.critic)):
            torch.testing.assert_close(stack.flat[i], peer.flat(module), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "case",
    [
        Case(unroll=1, optimizer="sgd"),
        Case(unroll=3),
        Case("wasserstein", "spectral_norm", unroll=2, optimizer="rmsprop"),
        Case("hinge", "clip", critic_steps=2, unroll=2, optimizer="nesterov"),
        Case("minimax", "r1+r2", unroll=3, every=2, updates="simultaneous", packing=2),
        Case("least_squares", "lecam+consistency", unroll=2),
        Case(pairing="relativistic", unroll=2, conditioning="join"),
        Case("kl", conditioning="projection", unroll=2, noise=True, smoothing=True, optimizer="sgd"),
    ],
    ids=str,
)
def test_unrolled_steps_are_those_of_a_loop_that_is_differentiated(case: Case, ring: DataSet) -> None:
    game = Game(case, ring)
    peers = [Peer(game, i) for i in range(REPLICAS)]
    for batches in game.batches(2):
        report = game.step(batches)
        expected = [peer.step(batches) for peer in peers]
        for i, (on_critic, on_generator) in enumerate(expected):
            torch.testing.assert_close(report["loss_critic"][i], on_critic, rtol=1e-9, atol=1e-9)
            torch.testing.assert_close(report["loss_generator"][i], on_generator, rtol=1e-9, atol=1e-9)
    for i, peer in enumerate(peers):
        for stack, module in ((game.players.generator, peer.generator), (game.players.critic, peer.critic)):
            torch.testing.assert_close(stack.flat[i], peer.flat(module), rtol=1e-9, atol=1e-9)
