import math

import pytest
import torch
from torch import Tensor

from trainables.data import DataSet, load
from trainables.metrics.real_scores import Draws


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(data: DataSet, samples: int, number: int = 1) -> list[tuple[Tensor, Tensor | None]]:
    generator = seeded()
    return list(Draws.planned(data, samples, number, generator).points(generator))


def counted(points: int, classes: int = 0) -> DataSet:
    """Points 0, 1, 2, …, of classes in turn, all of which are both trained on and held out."""
    values = torch.arange(points, dtype=torch.float32).unsqueeze(1)
    labels = torch.arange(points) % classes if classes else None
    return DataSet("counted", values.clone(), labels, values, labels, classes)


def test_a_draw_of_a_mixture_is_fresh_and_labelled_where_there_are_classes() -> None:
    ring = load("ring", points=10, heldout=10)
    (points, labels), (others, _) = drawn(ring, 400, 2)
    assert points.shape == (1, 400, 2)
    assert labels is not None
    assert labels.shape == (1, 400)
    assert labels.unique().tolist() == list(range(8))
    assert not torch.equal(points, others)
    assert drawn(load("gaussian", points=10, heldout=10), 5)[0][1] is None


def test_points_without_classes_are_taken_once_each() -> None:
    ((points, labels),) = drawn(counted(50), 20)
    assert labels is None
    assert len(points.unique()) == 20
    assert [len(found[0]) for found, _ in drawn(counted(50), 50, 20)] == [50]  # all of them, once


def test_where_fewer_are_held_out_than_are_asked_for_all_are_taken_once() -> None:
    for classes in (0, 2):
        ((points, _),) = drawn(counted(50, classes), 99, 20)
        assert sorted(points.flatten().tolist()) == list(range(50))


def test_a_class_has_as_many_points_as_of_a_fresh_sample_and_none_twice_before_all_are_taken() -> None:
    data, numbers = counted(60, 3), []
    for points, labels in drawn(data, 60, 400):
        assert labels is not None
        assert torch.equal(points[0, :, 0].long() % 3, labels[0])
        assert not torch.equal(labels[0], labels[0].sort().values)
        numbers.append(torch.bincount(labels[0], minlength=3))
        for label in range(3):
            _, times = points[labels == label].unique(return_counts=True)
            assert times.max() - times.min() <= (1 if len(times) == 20 else 0)
    counts = torch.stack(numbers[:400]).double()
    assert counts.mean(0).tolist() == pytest.approx([20, 20, 20], abs=0.8)
    assert counts.var(0).tolist() == pytest.approx([60 * 2 / 9] * 3, rel=0.25)  # of a binomial count


def test_classes_come_as_often_as_in_training_as_far_as_any_are_held_out() -> None:
    values = torch.arange(90, dtype=torch.float32).unsqueeze(1)
    train, heldout = torch.tensor([0] * 60 + [1] * 20 + [2] * 10), torch.tensor([0] * 20 + [1] * 20)
    data = DataSet("rare", values, train, values[:40], heldout, 3)
    counts = torch.stack(
        [torch.bincount(labels[0], minlength=3) for _, labels in drawn(data, 40, 400) if labels is not None]
    )
    assert counts.double().mean(0).tolist() == pytest.approx([30, 10, 0], abs=0.6)
    elsewhere = DataSet("elsewhere", values, torch.zeros(90).long(), values[:40], torch.ones(40).long(), 2)
    ((_, labels),) = drawn(elsewhere, 40)
    assert labels is not None
    assert labels.unique().tolist() == [1]


def test_mean_and_standard_deviation_of_independent_draws() -> None:
    draws = Draws(counted(9), 3, 3)
    scores = draws.summarised({"fid": torch.tensor([1.0, 2.0, 3.0]), "mode_histogram": torch.ones(3, 8).long()})
    assert (scores.mean, scores.spread, scores.draws) == ({"fid": 2.0}, {"fid": 1.0}, 3)


def test_draws_made_again_tell_the_spread_alone() -> None:
    """Of the variance 1, 0.5 is by points, of which a draw has a quarter of what fresh points have."""
    draws = Draws(counted(9), 3, 3, again=1, fresh=0.25)
    scores = draws.summarised({"fid": torch.tensor([1.0, 2.0, 3.0, 2.0])})
    assert scores.mean == {"fid": 2.0}
    assert scores.spread["fid"] == pytest.approx(math.sqrt(1 + 0.5 * 3))


def test_of_a_single_draw_the_spread_is_unknown() -> None:
    scores = Draws(counted(9), 9, 1, fresh=0.0).summarised({"fid": torch.tensor([0.25])})
    assert (scores.mean["fid"], scores.draws) == (0.25, 1)
    assert math.isnan(scores.spread["fid"])


def test_a_draw_that_could_not_be_measured_makes_its_score_unknown() -> None:
    measured = {"fid": torch.tensor([1.0, 2.0]), "class_fid": torch.tensor([1.0, math.nan])}
    scores = Draws(counted(9), 3, 2).summarised(measured)
    assert scores.mean["fid"] == 1.5
    assert math.isnan(scores.mean["class_fid"])
    assert math.isnan(scores.spread["class_fid"])


@pytest.mark.parametrize(("count", "of", "classes"), [(50, 100, 0), (900, 1000, 0), (50, 100, 5), (500, 500, 5)])
def test_the_spread_is_that_of_fresh_points(count: int, of: int, classes: int) -> None:
    # The mean of n fresh points has the standard deviation s/sqrt(n), s that of the population.
    data, generator = counted(of, classes), seeded(1)
    draws = Draws.planned(data, count, 2000, generator)
    means = torch.cat([points.mean((1, 2)) for points, _ in draws.points(generator)])
    fresh = float(data.heldout.double().std()) / math.sqrt(count)
    assert draws.summarised({"mean": means}).spread["mean"] == pytest.approx(fresh, rel=0.06)


def test_the_spread_by_counts_of_classes_is_not_enlarged() -> None:
    """Of classes that lie far apart nearly all is by counts, however many of the held-out points are drawn."""
    labels = torch.arange(100) % 2
    data = DataSet("apart", labels.float()[:, None], labels, labels.float()[:, None], labels, 2)
    generator = seeded()
    draws = Draws.planned(data, 100, 2000, generator)
    assert draws.fresh < 0.15
    means = torch.cat([points.mean((1, 2)) for points, _ in draws.points(generator)])
    assert draws.summarised({"mean": means}).spread["mean"] == pytest.approx(0.5 / math.sqrt(100), rel=0.05)
