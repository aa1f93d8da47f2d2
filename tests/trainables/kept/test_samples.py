"""The same seed gives the same samples, whoever else is drawn and however many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from trainables.kept import Kept, KeptError, draw, from_bytes, to_bytes
from trainables.kept.samples import BLOCK
from trainables.training import Training

Train = Callable[..., Training]


def read(training: Training) -> Kept:
    payload = to_bytes(training)
    assert payload is not None
    return from_bytes(payload, "here")


@pytest.fixture(scope="module")
def ring(trained: Train) -> Kept:
    return read(trained(ema=0.9))


@pytest.fixture(scope="module")
def digits(trained: Train) -> Kept:
    return read(trained(model="cgan", data="digits"))


def test_a_seed_has_its_samples(ring: Kept) -> None:
    alone, labels = draw(ring, [5], 20)
    together, _ = draw(ring, [8, 5], 20)
    assert (alone.shape, labels) == ((1, 20, 2), None)
    assert torch.allclose(alone[0], together[1], atol=1e-6)
    assert not torch.allclose(together[0], together[1])
    again, _ = draw(ring, [5], 20)
    assert torch.equal(alone, again)


@pytest.mark.parametrize("data", [{"name": "ring", "points": 100, "heldout": 50}, {"name": "digits"}])
def test_translations_are_of_samples_of_the_source_and_bear_their_labels(trained: Train, data: dict[str, Any]) -> None:
    training = trained(model="cyclegan", data=data)
    kept = read(training)
    samples, labels = draw(kept, [8, 5], 20)
    assert samples.shape == (2, 20, *kept.shape)
    assert labels is not None
    more, of_more = draw(kept, [5], 5000)
    torch.testing.assert_close(more[0, :20], samples[1], rtol=1e-5, atol=1e-5)
    assert of_more is not None
    assert torch.equal(of_more[0, :20], labels[1])
    assert len(of_more.unique()) == training.data.classes


def test_the_first_samples_do_not_depend_on_how_many_follow(ring: Kept) -> None:
    few, many = (draw(ring, [3], count)[0][0] for count in (30, BLOCK + 10))
    assert torch.allclose(few, many[:30], atol=1e-6)
    assert len(many) == BLOCK + 10


def test_raw_weights_give_other_samples_of_the_same_latents(ring: Kept) -> None:
    average, raw = (draw(ring, [3], 20, weights=which)[0] for which in ("average", "raw"))
    assert not torch.equal(average, raw)
    assert (average - raw).abs().max() < 0.1  # two steps apart
    with pytest.raises(ValueError, match=r"^weights: unknown name 'ema'"):
        draw(ring, [3], 20, weights="ema")


def test_labels_are_every_class_in_turn_or_the_one_chosen(digits: Kept) -> None:
    samples, labels = draw(digits, [3, 5], 23)
    assert labels is not None
    assert labels[1].tolist() == [*range(10), *range(10), 0, 1, 2]
    chosen, sevens = draw(digits, [3], 23, torch.full((23,), 7))
    assert sevens is not None
    assert sevens.unique().tolist() == [7]
    assert torch.allclose(chosen[0, 7], samples[0, 7], atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 8, 9, 17])
@pytest.mark.parametrize("model", [{}, {"model": "cgan", "data": "digits"}])
def test_a_generator_that_normalises_is_drawn_in_the_batches_it_was_trained_in(
    trained: Train, model: dict[str, Any], count: int
) -> None:
    kept = read(trained(generator={"hidden": [6], "batch_norm": True}, **model))
    assert kept.spec.batch_size == 8
    (few, of_few), (many, of_many) = (draw(kept, [3], number) for number in (count, 24))
    assert few.shape[1] == count
    assert torch.allclose(few[0], many[0, :count], atol=1e-6)
    if of_few is not None and of_many is not None:
        assert torch.equal(of_few, of_many[:, :count])
        sevens, labels = draw(kept, [3], count, torch.full((count,), 7))
        assert labels is not None
        assert labels.tolist() == [[7] * count]
        assert torch.allclose(sevens[0], draw(kept, [3], 24, torch.full((24,), 7))[0][0, :count], atol=1e-6)


def test_what_is_not_there_is_refused_by_name(ring: Kept, digits: Kept) -> None:
    with pytest.raises(KeptError, match=r"^seed: expected one of 3, 5, 8, got 4$"):
        draw(ring, [4], 2)
    with pytest.raises(ValueError, match=r"^label: expected none, as gan is not told classes, got 3$"):
        draw(ring, [3], 2, torch.tensor([3, 3]))
    with pytest.raises(ValueError, match=r"^label: expected one from 0 to 9, got 10$"):
        draw(digits, [3], 2, torch.tensor([0, 10]))
