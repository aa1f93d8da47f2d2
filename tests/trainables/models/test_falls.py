"""What happens to a replica that falls, and that nothing happens to the others."""

from __future__ import annotations

import math

import pytest
import torch
from games import CLIP, Case, Game

from trainables.batches import Batch
from trainables.data import DataSet
from trainables.spec import UPDATES


def spoil(batch: Batch, value: float = math.nan, replica: int = 1) -> Batch:
    batch.latents = batch.latents.clone()
    batch.latents[replica, 0, 0] = value
    return batch


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("penalty", ["none", "clip", "gradient_penalty", "spectral_norm"])
@pytest.mark.parametrize("updates", UPDATES)
def test_a_replica_falls_before_the_update_that_would_spoil_it(
    penalty: str, updates: str, value: float, ring: DataSet
) -> None:
    case = Case(penalty=penalty, updates=updates)
    game, twin = Game(case, ring), Game(case, ring)
    steps, whole = game.batches(5), twin.batches(5)
    game.step(steps[0]), twin.step(whole[0])
    fell = game.everything()
    spoil(steps[1][0], value)
    game.step(steps[1]), twin.step(whole[1])
    assert game.alive.tolist() == [True, False, True]
    for batches, intact in zip(steps[2:], whole[2:], strict=True):
        game.step(batches), twin.step(intact)
    for state, undisturbed, frozen in zip(game.everything(), twin.everything(), fell, strict=True):
        assert torch.equal(state[1], frozen[1])  # frozen where it fell
        assert torch.equal(state[[0, 2]], undisturbed[[0, 2]])  # and nobody else noticed
        assert not torch.equal(undisturbed[1], frozen[1])
    assert game.alive.tolist() == [True, False, True]
    assert twin.alive.all()


def test_a_fall_in_the_second_critic_update_keeps_the_first(ring: DataSet) -> None:
    game, twin = Game(Case(critic_steps=3), ring), Game(Case(critic_steps=1), ring)
    (batches,) = game.batches(1)
    start = game.everything()
    twin.step([batches[0], batches[-1]])
    spoil(batches[1])
    game.step(batches)
    assert game.alive.tolist() == [True, False, True]
    assert torch.equal(game.players.critic.flat[1], twin.players.critic.flat[1])
    assert torch.equal(game.players.generator.flat[1], start[0][1])


@pytest.mark.parametrize("updates", UPDATES)
def test_a_fall_in_the_generators_loss(updates: str, ring: DataSet) -> None:
    game = Game(Case(updates=updates), ring)
    (batches,) = game.batches(1)
    start = game.everything()
    spoil(batches[-1])
    game.step(batches)
    assert game.alive.tolist() == [True, False, True]
    assert torch.equal(game.players.generator.flat[1], start[0][1])
    # Alternating, the critic's update came before; otherwise neither is made.
    assert torch.equal(game.players.critic.flat[1], start[1][1]) == (updates != "alternating")


def test_a_fallen_replica_is_not_clipped_either(ring: DataSet) -> None:
    game = Game(Case("wasserstein", "clip"), ring)
    (batches,) = game.batches(1)
    start = game.everything()
    spoil(batches[0])
    game.step(batches)
    assert torch.equal(game.players.critic.flat[1], start[1][1])
    assert float(start[1][1].abs().max()) > CLIP[1]


def test_a_loss_beyond_the_bound_is_a_fall(ring: DataSet) -> None:
    game = Game(Case("wasserstein"), ring, bound=50.0)
    game.players.critic.flat[2, -1] = 0.0
    game.players.critic.flat[2, -7:-1] *= 1e4
    start = game.everything()
    report = game.step(game.batches(1)[0])
    assert game.alive.tolist() == [True, True, False]
    assert float(report["loss_critic"][2].abs()) > 50
    assert report["loss_critic"].isfinite().all()
    for state, before in zip(game.everything(), start, strict=True):
        assert torch.equal(state[2], before[2])


@pytest.mark.parametrize("which", [0, 1])
def test_a_weight_beyond_the_bound_is_a_fall_and_stays_where_it_fell(which: int, ring: DataSet) -> None:
    game = Game(Case(), ring, bound=20.0)
    optimizer = (game.optimizers.generator, game.optimizers.critic)[which]
    optimizer.lr[0] = 100.0  # Adam's first step is about as long as its learning rate
    steps = game.batches(3)
    game.step(steps[0])
    assert game.alive.tolist() == [False, True, True]
    fell = game.everything()
    assert float(fell[which][0].abs().max()) > 20
    for batches in steps[1:]:
        game.step(batches)
    for state, frozen in zip(game.everything(), fell, strict=True):
        assert torch.equal(state[0], frozen[0])


@pytest.mark.parametrize("batch", range(4))
def test_a_fall_while_looking_ahead_leaves_the_weights_from_before(batch: int, ring: DataSet) -> None:
    game = Game(Case(updates="extragradient"), ring)
    first, second = game.batches(2)
    game.step(first)
    fell = game.everything()
    spoil(second[batch])
    game.step(second)
    assert game.alive.tolist() == [True, False, True]
    for state, before in zip(game.everything(), fell, strict=True):
        assert torch.equal(state[1], before[1])
        assert not torch.equal(state[0], before[0])


def test_all_may_fall(ring: DataSet) -> None:
    game = Game(Case(), ring, bound=1e-9)
    start = game.everything()
    for batches in game.batches(2):
        game.step(batches)
    assert not game.alive.any()
    assert all(torch.equal(new, old) for new, old in zip(game.everything(), start, strict=True))
