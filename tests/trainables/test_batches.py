"""A replica's batches: its own numbers in company or alone, drawn as stated, gathered from the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from trainables.batches import BLOCK, Batch, BatchSampler, BatchShape, in_pieces, latents
from trainables.data import DataSet
from trainables.population import generators

POINTS = 50
SHARES = (0.7, 0.2, 0.1)
SHAPE = BatchShape(updates=3, batch=5, latent_dim=2, latent="normal", draws=4, noise=3)


@pytest.fixture(scope="module")
def data() -> DataSet:
    """Point i is (i, -i), so that a batch shows its indices; three classes of unequal size."""
    train = torch.arange(POINTS, dtype=torch.float32)[:, None] * torch.tensor([1.0, -1.0])
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor([round(POINTS * share) for share in SHARES]))
    return DataSet("counted", train, labels, train[:5], labels[:5], classes=3)


def sampler(
    data: DataSet, seeds: Sequence[int], batch_shape: BatchShape = SHAPE, conditional: bool = True, stream: int = 2
) -> BatchSampler:
    return BatchSampler(data, batch_shape, generators(seeds, stream, "cpu"), conditional)


def numbers(batch: Batch) -> list[Tensor]:
    assert batch.requested is not None
    return [batch.indices, batch.requested, batch.latents, batch.uniform, batch.normal]


def everything(made: BatchSampler, steps: int) -> list[Tensor]:
    """All numbers of some steps: tensors (steps, updates, R, ...)."""
    drawn = [[numbers(batch) for batch in step] for step in made.draw(steps)]
    return [torch.stack([torch.stack([u[i] for u in step]) for step in drawn]) for i in range(5)]


def test_shapes_and_types(data: DataSet) -> None:
    steps = list(sampler(data, [1, 2]).draw(6))
    assert len(steps) == 6
    assert all(len(batches) == SHAPE.updates for batches in steps)
    batch = steps[0][0]
    assert batch.indices.shape == (2, 5)
    assert batch.latents.shape == (2, 5, 2)
    assert batch.uniform.shape == (2, 5, 4)
    assert batch.normal.shape == (2, 5, 3)
    assert batch.real.shape == (2, 5, 2)
    assert batch.labels is not None
    assert batch.requested is not None
    assert batch.both_labels is not None
    assert batch.labels.dtype == batch.requested.dtype == torch.int64
    assert torch.equal(batch.both_labels, torch.cat([batch.labels, batch.requested], 1))
    assert {batch.latents.dtype, batch.uniform.dtype, batch.normal.dtype} == {torch.float32}


def test_real_samples_and_their_labels_are_those_of_the_indices(data: DataSet) -> None:
    for batches in sampler(data, [1, 2, 3]).draw(4):
        for batch in batches:
            assert torch.equal(batch.real[..., 0], batch.indices.float())
            assert torch.equal(batch.real[..., 1], -batch.indices.float())
            assert data.labels is not None
            assert batch.labels is not None
            assert torch.equal(batch.labels, data.labels[batch.indices])
            assert batch.real is batch.real  # gathered once


def test_images_keep_their_shape() -> None:
    pictures = torch.randn(20, 3, 4, 4)
    images = DataSet("pictures", pictures, None, pictures, None, classes=0)
    ((batch, *_),) = sampler(images, [1, 2], conditional=False).draw(1)
    assert batch.real.shape == (2, 5, 3, 4, 4)
    assert torch.equal(batch.real[1, 2], pictures[batch.indices[1, 2]])


def test_unconditional_models_get_no_labels(data: DataSet) -> None:
    for made in (data, replace(data, labels=None, heldout_labels=None, classes=0)):
        for batches in sampler(made, [1], conditional=False).draw(2):
            assert all(b.requested is None and b.labels is None and b.both_labels is None for b in batches)


def test_seeds_fix_everything(data: DataSet) -> None:
    for one, two in zip(everything(sampler(data, [1, 2]), 5), everything(sampler(data, [1, 2]), 5), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("latent", ["normal", "uniform"])
def test_a_replicas_batches_do_not_depend_on_company(data: DataSet, latent: str) -> None:
    batch_shape = replace(SHAPE, latent=latent)
    company = everything(sampler(data, [7, 1, 4, 2], batch_shape), 9)
    for place, seed in enumerate([7, 1, 4, 2]):
        for together, alone in zip(company, everything(sampler(data, [seed], batch_shape), 9), strict=True):
            assert torch.equal(together[:, :, place], alone[:, :, 0])


def test_replicas_steps_updates_and_streams_differ(data: DataSet) -> None:
    batch_shape, seeds = replace(SHAPE, batch=50), [1, 2, 3]
    one, other = (
        everything(sampler(data, seeds, batch_shape), 6),
        everything(sampler(data, seeds, batch_shape, stream=3), 6),
    )
    for mine, theirs in zip(one, other, strict=True):
        batches = torch.cat([mine.flatten(0, 2), theirs.flatten(0, 2)]).flatten(1)
        assert len(batches.unique(dim=0)) == len(batches) == 108


def test_blocks_follow_one_another(data: DataSet) -> None:
    made, again = sampler(data, [1, 2]), sampler(data, [1, 2])
    first, second = everything(made, 4), everything(made, 3)
    for start, rest in zip(first, second, strict=True):
        assert not torch.equal(start[:3], rest)
    # The same blocks give the same batches, whether or not somebody looked at them.
    list(again.draw(4))
    for rest, repeated in zip(second, everything(again, 3), strict=True):
        assert torch.equal(rest, repeated)


def test_a_feed_goes_on_from_the_states_of_its_generators(data: DataSet) -> None:
    made = sampler(data, [1, 2])
    everything(made, 4)
    states = [g.get_state() for g in made.generators]
    expected = everything(made, 3)
    fresh = sampler(data, [1, 2])
    for generator, state in zip(fresh.generators, states, strict=True):
        generator.set_state(state)
    for one, two in zip(expected, everything(fresh, 3), strict=True):
        assert torch.equal(one, two)


def test_a_block_is_drawn_at_once_and_yielded_step_by_step(data: DataSet) -> None:
    made = sampler(data, [1])
    steps = made.draw(5)
    next(steps)
    state = made.generators[0].get_state()
    assert len(list(steps)) == 4
    assert torch.equal(made.generators[0].get_state(), state)


@pytest.mark.parametrize(
    "batch_shape", [SHAPE, BatchShape(2, 256, 2, "normal", 0), BatchShape(6, 64, 128, "uniform", 3073, 9)]
)
def test_block_length_bounds_the_memory(batch_shape: BatchShape) -> None:
    a_step = (
        batch_shape.updates * batch_shape.batch * (batch_shape.latent_dim + batch_shape.draws + batch_shape.noise + 2)
    )
    assert batch_shape.block >= 1
    assert batch_shape.block * a_step <= max(BLOCK, a_step) < (batch_shape.block + 1) * a_step


def test_latents_have_their_distribution() -> None:
    generator = torch.Generator().manual_seed(0)
    normal, uniform = latents((4000, 5), "normal", generator), latents((4000, 5), "uniform", generator)
    assert normal.shape == uniform.shape == (4000, 5)
    assert stats.kstest(normal.flatten().numpy(), "norm").pvalue > 0.01
    assert stats.kstest(uniform.flatten().numpy(), stats.uniform(-1, 2).cdf).pvalue > 0.01
    assert np.abs(np.corrcoef(normal.T.numpy()) - np.eye(5)).max() < 0.06


@pytest.fixture(scope="module")
def many(data: DataSet) -> list[Tensor]:
    """Numbers (60 000) of one replica."""
    return everything(sampler(data, [0], BatchShape(2, 100, 2, "uniform", 3, 2)), 300)


def test_real_samples_are_drawn_evenly(many: list[Tensor]) -> None:
    assert stats.chisquare(many[0].flatten().bincount(minlength=POINTS).numpy()).pvalue > 0.01


def test_requested_labels_are_distributed_as_the_datas(many: list[Tensor], data: DataSet) -> None:
    counts = many[1].flatten().bincount(minlength=3)
    assert stats.chisquare(counts.numpy(), counts.sum().item() * np.array(SHARES)).pvalue > 0.01
    assert data.labels is not None
    pairs = (data.labels[many[0]] * 3 + many[1]).flatten().bincount(minlength=9).view(3, 3)
    assert stats.chi2_contingency(pairs.numpy()).pvalue > 0.01  # what is asked for does not follow the real batch


def test_uniform_numbers_and_latents_of_a_feed(many: list[Tensor]) -> None:
    assert stats.kstest(many[2].flatten().numpy(), stats.uniform(-1, 2).cdf).pvalue > 0.01
    assert stats.kstest(many[3].flatten().numpy(), "uniform").pvalue > 0.01
    assert stats.kstest(many[4].flatten().numpy(), "norm").pvalue > 0.01


def test_batches_know_how_much_of_the_training_lies_behind(data: DataSet) -> None:
    steps = list(sampler(data, [1]).draw(3, first=5, of=10))
    assert [[batch.progress for batch in batches] for batches in steps] == [[0.5] * 3, [0.6] * 3, [0.7] * 3]
    assert [batches[0].progress for batches in sampler(data, [1]).draw(2, of=2)] == [0, 0.5]


def test_a_model_may_need_no_batches(data: DataSet) -> None:
    batch_shape = replace(SHAPE, updates=0)
    assert batch_shape.block >= 1
    assert list(sampler(data, [1], batch_shape).draw(3)) == [[], [], []]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 9, 11])
@pytest.mark.parametrize("whole", [False, True])
def test_pieces_are_joined_in_order(count: int, whole: bool) -> None:
    x, labels = torch.randn(2, count, 3), torch.arange(2 * count).view(2, count)
    sizes = []

    def function(piece: Tensor, label: Tensor | None) -> Tensor:
        assert label is not None
        sizes.append(piece.shape[1])
        return 2 * piece + label[..., None]

    assert torch.equal(in_pieces(function, x, labels, 4, whole), 2 * x + labels[..., None])
    assert torch.equal(in_pieces(lambda piece, none: 2 * piece, x, None, 4, whole), 2 * x)
    if whole:
        assert set(sizes) == {min(4, count)}
    else:
        assert sizes == [4] * (count // 4) + [count % 4] * (count % 4 > 0)
