"""A file of kept generators gives back the weights that were measured, and says what they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load as tensors_of
from safetensors.torch import save

from trainables import cost, kept
from trainables.kept import KeptError
from trainables.kept.file import METADATA, metadata
from trainables.training import Training

SEEDS = [3, 5, 8]
Train = Callable[..., Training]
Z = torch.randn(3, 7, 2, generator=torch.Generator().manual_seed(0))


def payload(training: Training, critics: bool = False, **about: Any) -> bytes:
    made = kept.to_bytes(training, critics, about)
    assert made is not None
    return made


def read(training: Training, critics: bool = False, **about: Any) -> kept.Kept:
    return kept.from_bytes(payload(training, critics, **about), "here")


def test_the_generators_come_back_as_they_were_measured(trained: Train) -> None:
    training = trained(ema=0.9)
    found = read(training, trial_id="search-a-0000")
    assert torch.equal(found.generator(found.weights(), Z), training.generate(Z))
    stack = training.model.stacks[0]
    assert torch.equal(found.generator(found.weights("raw"), Z), stack.network(stack.constants, Z))
    assert not torch.equal(found.weights()[0], found.weights("raw")[0])


def test_a_file_says_what_is_in_it(trained: Train) -> None:
    training = trained()
    training.diverged_step[1] = 2
    found = read(training, trial_id="search-a-0000")
    assert (found.spec, found.seeds, found.shape, found.classes) == (training.spec, SEEDS, (2,), 0)
    assert (found.step, found.diverged) == (2, [None, 2, None])
    assert found.about["trial_id"] == "search-a-0000"
    assert found.about["spec"]["data"]["points"] == 100
    assert found.about["versions"]["torch"] == torch.__version__


def test_equal_trainings_give_equal_bytes_and_without_an_average_weights_are_stored_once(trained: Train) -> None:
    first, second = payload(trained()), payload(trained())
    assert first == second
    assert not [name for name in tensors_of(first) if name.startswith("raw")]
    found = kept.from_bytes(first, "here")
    assert all(torch.equal(*both) for both in zip(found.weights(), found.weights("raw"), strict=True))


def test_a_replica_that_fell_is_kept_as_it_fell_beside_the_others(trained: Train) -> None:
    training = trained()
    with torch.no_grad():
        training.model.stacks[0].flat[1] = torch.nan
        training.average[1] = torch.nan
    weights = read(training).weights()
    assert [bool(row.isfinite().all()) for row in weights[0]] == [True, False, True]


def test_critics_are_kept_on_request_as_their_layers_use_them(trained: Train) -> None:
    training = trained(penalty="spectral_norm")
    assert not [name for name in tensors_of(payload(training)) if name.startswith("critic")]
    stored, players = tensors_of(payload(training, critics=True)), training.model.players  # type: ignore[union-attr]
    weights = [stored[f"critic.{weight.name}"] for weight in players.critic.network.weights]
    x = torch.randn(3, 7, 2, generator=torch.Generator().manual_seed(1))
    scores = players.score(players.critic_weights(players.critic.constants), x, None)
    assert torch.equal(players.game.link(players.critic.network(weights, x)), scores)
    assert not torch.equal(weights[0], players.critic.constants[0])  # but divided by its norm
    no_critic = trained(model="vae")
    assert not [name for name in tensors_of(payload(no_critic, critics=True)) if name.startswith("critic")]


def test_a_conditional_generator_knows_its_classes(trained: Train) -> None:
    training = trained(model="cgan", data="digits", latent_dim=2, penalty={"name": "r1", "weight": 1.0})
    found, labels = read(training), torch.arange(7).expand(3, 7)
    assert (found.classes, found.shape) == (10, training.data.shape)
    assert torch.equal(found.generator(found.weights(), Z, labels), training.generate(Z, labels))


def test_what_has_no_weights_is_not_kept(trained: Train) -> None:
    assert kept.to_bytes(trained(model="oracle")) is None


@pytest.mark.parametrize(
    ("changes", "critics"),
    [({}, False), ({}, True), ({"ema": 0.9}, True), ({"model": "vae"}, True), ({"model": "matching"}, True)],
)
def test_the_size_is_known_before(trained: Train, changes: dict[str, Any], critics: bool) -> None:
    training = trained(**changes)
    stored = tensors_of(payload(training, critics=critics)).values()
    assert cost.kept_bytes(training.spec, len(SEEDS), critics) == sum(4 * one.numel() for one in stored)


def edited(training: Training, **about: Any) -> bytes:
    raw = payload(training)
    described = json.loads(metadata(raw)[METADATA]) | about
    return save(tensors_of(raw), {METADATA: json.dumps(described)})


def test_other_files_are_refused_by_name(trained: Train) -> None:
    training = trained()
    whole = payload(training)
    for damaged in (b"", b"nothing of the kind", whole[:100], whole[:-4], save({"a": Z}, {METADATA: "nothing"})):
        with pytest.raises(KeptError, match=r"^here: expected a file of kept generators, got one that cannot be read"):
            kept.from_bytes(damaged, "here")
    for foreign in (save({"a": Z}), save({"a": Z}, {"b": "c"})):
        with pytest.raises(KeptError, match=rf"^here: .* got one whose metadata lack '{METADATA}'$"):
            kept.from_bytes(foreign, "here")
    for said in ("null", "[]", "7", '"x"'):
        with pytest.raises(KeptError, match=rf"^here: expected a mapping as its metadata {METADATA}, got "):
            kept.from_bytes(save({"a": Z}, {METADATA: said}), "here")
    with pytest.raises(KeptError, match=r"^here: expected format 1 of kept generators, got 2$"):
        kept.from_bytes(edited(training, format=2), "here")
    with pytest.raises(KeptError, match=r"cannot be read: nothing: unknown field of a spec"):
        kept.from_bytes(edited(training, spec=training.spec.to_dict() | {"nothing": 1}), "here")
    with pytest.raises(
        KeptError, match=r"average.dense0.weight: expected weights of shape \(2, 2, 6\), got \(3, 2, 6\)"
    ):
        kept.from_bytes(edited(training, seeds=[3, 5]), "here")
