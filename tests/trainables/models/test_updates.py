"""One step of a population: every pair with every penalty, what is reported, and what moves when."""

from __future__ import annotations

import math
from contextlib import nullcontext

import pytest
import torch
from games import CLIP, TOGETHER, Case, Game
from plain import RELATIVISTIC, bce
from torch import Tensor
from torch.nn import functional

from trainables import native, objectives, penalties
from trainables.batches import BatchSampler, BatchShape
from trainables.data import DataSet, load
from trainables.models import updates as adversarial
from trainables.models.gan import GAN
from trainables.models.jacobian import alone
from trainables.models.model import ModelContext
from trainables.models.updates import batches_per_step, checked, descend
from trainables.spec import UPDATES, Spec


@pytest.mark.parametrize("objective", objectives.OBJECTIVES)
@pytest.mark.parametrize("penalty", penalties.PENALTIES)
def test_every_objective_goes_with_every_penalty(objective: str, penalty: str, ring: DataSet) -> None:
    game = Game(Case(objective, penalty, updates="simultaneous" if penalty == "consensus" else "alternating"), ring)
    for batches in game.batches(2):
        report = game.step(batches)
    assert game.alive.all()
    assert all(values.isfinite().all() for values in report.values())
    assert (report["gradient_norm_critic"] > 0).all()
    assert (report["gradient_norm_generator"] > 0).all()


def test_the_report_holds_the_losses_and_the_norms_of_their_gradients(ring: DataSet) -> None:
    game, twin = (Game(Case(updates="simultaneous"), ring) for _ in range(2))
    (batches,) = game.batches(1)
    report = game.step(batches)
    critic_loss, generator_loss = twin.losses(*batches)
    torch.testing.assert_close(report["loss_critic"], critic_loss.detach())
    torch.testing.assert_close(report["loss_generator"], generator_loss.detach())
    critic, generator = twin.players.critic.gradient(critic_loss), twin.players.generator.gradient(generator_loss)
    torch.testing.assert_close(report["gradient_norm_critic"], critic.norm(dim=1))
    torch.testing.assert_close(report["gradient_norm_generator"], generator.norm(dim=1))
    assert not any(values.requires_grad for values in report.values())


def test_the_orders_and_their_batches() -> None:
    assert tuple(adversarial.ORDERS) == UPDATES == ("alternating", "simultaneous", "extragradient", "sga")
    assert [batches_per_step("alternating", steps) for steps in (1, 5)] == [2, 6]
    assert [batches_per_step(updates, 1) for updates in TOGETHER] == [2, 4, 1]


@pytest.mark.parametrize("critic_steps", [1, 3])
def test_spectral_vectors_move_once_per_critic_update(critic_steps: int, ring: DataSet) -> None:
    game = Game(Case(penalty="spectral_norm", critic_steps=critic_steps), ring)
    for optimizer in game.optimizers:
        optimizer.lr *= 0  # the matrices stand still
    matrices = [game.players.critic.constants[i] for i in game.players.critic.network.matrices]
    expected = [vector.clone() for vector in game.players.spectral]
    for batches in game.batches(2):
        game.step(batches)
        for _ in range(critic_steps):
            for matrix, vector in zip(matrices, expected, strict=True):
                penalties.spectral_divide(matrix, vector, iterate=True)
        for ours, theirs in zip(game.players.spectral, expected, strict=True):
            assert torch.equal(ours, theirs)
    game.players.generator_loss(batches[-1], game.players.generator.views, game.players.critic.constants)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(game.players.spectral, expected, strict=True))


def test_clipping_holds_from_the_first_update_on(ring: DataSet) -> None:
    game = Game(Case("wasserstein", "clip", critic_steps=2), ring)
    clip = torch.tensor(CLIP, dtype=torch.float64)
    assert (game.players.critic.flat.abs().amax(1) > clip).all()
    for batches in game.batches(3):
        game.step(batches)
        torch.testing.assert_close(game.players.critic.flat.abs().amax(1), clip)
    assert (game.players.generator.flat.abs().amax(1) > clip).any()


def moved_and_cut(images: Tensor, uniform: Tensor) -> Tensor:
    """Images (B, 1, 8, 8), translated by at most one pixel and with a square of four cut out, one after the other."""
    made = []
    for image, (down, right, *corner) in zip(images, uniform.tolist(), strict=True):
        padded = functional.pad(image, (1, 1, 1, 1))
        by = [1 - (math.floor(3 * u) - 1) for u in (down, right)]
        kept = torch.ones(8, 8, dtype=torch.float64)
        (top, left) = (math.floor(9 * u) - 2 for u in corner)
        kept[max(0, top) : top + 4, max(0, left) : left + 4] = 0
        made.append(padded[:, by[0] : by[0] + 8, by[1] : by[1] + 8] * kept)
    return torch.stack(made)


@pytest.mark.parametrize("pairing", ["independent", "relativistic"])
def test_both_players_see_images_augmented_apart(pairing: str) -> None:
    """The critic's real and generated samples and the generator's, in float64, against a loop over a replica's images;
    the first of a batch's numbers are the penalty's."""
    spec = Spec(
        data={"name": "digits"}, steps=1, evaluations=1, batch_size=6,
        generator={"hidden": [5]}, critic={"hidden": [7]},
        augmentation=["cutout", "translation"], penalty="balanced_consistency", pairing=pairing,
    )  # fmt: skip
    digits = load("digits")
    context = ModelContext([spec] * 3, [0, 1, 2], digits, 0, torch.device("cpu"))
    model = GAN(context)
    shape = BatchShape(2, 6, 2, "normal", model.draws)
    ((batch, _),) = BatchSampler(digits, shape, context.streams("batches"), conditional=False).draw(1)
    assert model.draws == 2 * 3 + 2 * 4
    players, one = alone(model.players, batch, 1)
    generator, critic = players.generator, players.critic
    first, last = one.uniform[0, :, 6:10], one.uniform[0, :, 10:]

    def score(images: Tensor) -> Tensor:
        return critic.network(critic.views, images[None], None)[0]

    def made() -> Tensor:
        return generator.network(generator.views, one.latents, None)[0]

    real, fake = moved_and_cut(one.real[0], first), moved_and_cut(made(), last)
    players.terms = []
    found = players.critic_loss(one, generator.constants, critic.views)
    answered = players.generator_loss(one, generator.views, critic.constants)
    if pairing == "independent":
        expected = bce(1)(score(real)) + bce(0)(score(fake))
        answer = bce(1)(score(moved_and_cut(made(), first)))
    else:
        on_critic, on_generator = RELATIVISTIC["relativistic", "non_saturating", "default"]
        expected = on_critic(score(real), score(fake))
        answer = on_generator(score(moved_and_cut(one.real[0], last)), score(moved_and_cut(made(), first)))
    torch.testing.assert_close(found[0], expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(answered[0], answer, rtol=1e-9, atol=1e-12)
    for stack, ours, theirs in ((critic, found, expected), (generator, answered, answer)):
        torch.testing.assert_close(stack.gradient(ours), stack.gradient(theirs[None]), rtol=1e-9, atol=1e-12)


def test_several_stacks_descend_one_loss(ring: DataSet) -> None:
    game = Game(Case(optimizer="sgd"), ring)
    stacks, (batches,) = (game.players.generator, game.players.critic), game.batches(1)
    loss = game.players.generator_loss(batches[-1], stacks[0].views, stacks[1].views)
    expected = [stack.gradient(loss, retain=True) for stack in stacks]
    start = game.everything()
    loss = loss * torch.tensor([1.0, math.nan, 1.0])
    optimizers = (game.optimizers.generator, game.optimizers.critic)
    norms = descend(stacks, optimizers, loss, game.alive, 1e6)
    assert game.alive.tolist() == [True, False, True]
    for stack, optimizer, gradient, norm, before in zip(stacks, optimizers, expected, norms, start, strict=True):
        torch.testing.assert_close(stack.flat[[0, 2]], (before - optimizer.lr * gradient)[[0, 2]])
        assert torch.equal(stack.flat[1], before[1])
        torch.testing.assert_close(norm[[0, 2]], gradient.norm(dim=1)[[0, 2]])


@pytest.mark.parametrize("case", [Case(), Case("hinge", "r1", 2), Case("wasserstein", "spectral_norm")], ids=str)
def test_a_replica_alone_is_the_replica_in_company(case: Case, ring: DataSet) -> None:
    company = Game(case, ring)
    alone = Game(Case(**{**vars(case), "replicas": 1}), ring)
    for many, one in zip(company.batches(5), alone.batches(5), strict=True):
        company.step(many), alone.step(one)
    for together, single in zip(company.everything(), alone.everything(), strict=True):
        torch.testing.assert_close(together[0], single[0], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("by_torch", [False, True])
def test_replicas_whose_loss_or_gradient_exceeds_the_bounds_are_cleared(by_torch: bool) -> None:
    loss = torch.tensor([1.0, -5.0, 5.0, 5.1, math.nan, -math.inf, 0.0, 0.0, 0.0])
    gradient = torch.full((9, 2), 3.0)
    gradient[6, 0], gradient[7, 1], gradient[8, 0] = math.nan, math.inf, 1e30
    alive = torch.tensor([True, False, True, True, True, True, True, True, True])
    with native.disabled() if by_torch else nullcontext():
        lengths = checked(gradient, loss, 5.0, alive)
    assert alive.tolist() == [True, False, True, False, False, False, False, False, False]
    assert lengths[:6].tolist() == pytest.approx([math.sqrt(18)] * 6)
