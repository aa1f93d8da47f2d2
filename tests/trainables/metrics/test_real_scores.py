import math

import pytest
import torch

from trainables.data import DataSet, load
from trainables.metrics.real_scores import draw, summarised


def labelled(points: int) -> DataSet:
    heldout = torch.arange(points, dtype=torch.float32).unsqueeze(1)
    return DataSet("counted", heldout.clone(), torch.arange(points) % 2, heldout, torch.arange(points) % 2, 2)


def test_a_draw_of_a_mixture_is_fresh_and_labelled_where_there_are_classes() -> None:
    ring, generator = load("ring", points=10, heldout=10), torch.Generator().manual_seed(0)
    points, labels = draw(ring, 400, generator)
    assert points.shape == (1, 400, 2)
    assert labels is not None
    assert labels.shape == (1, 400)
    assert labels.unique().tolist() == list(range(8))
    assert not torch.equal(points, draw(ring, 400, generator)[0])
    assert draw(load("gaussian", points=10, heldout=10), 5, generator)[1] is None


def test_a_draw_of_other_data_takes_held_out_points_once_each_with_their_labels() -> None:
    points, labels = draw(labelled(50), 20, torch.Generator().manual_seed(0))
    assert labels is not None
    assert len(points.unique()) == 20
    assert torch.equal(points[0, :, 0].long() % 2, labels[0])
    assert len(draw(labelled(50), 99, torch.Generator().manual_seed(0))[0][0]) == 50


def test_mean_and_standard_deviation_of_independent_draws() -> None:
    scores = summarised({"fid": torch.tensor([1.0, 2.0, 3.0]), "mode_histogram": torch.ones(3, 8).long()}, 0)
    assert (scores.mean, scores.spread, scores.draws) == ({"fid": 2.0}, {"fid": 1.0}, 3)


def test_of_a_single_draw_the_spread_is_unknown() -> None:
    scores = summarised({"fid": torch.tensor([0.25])}, 1)
    assert (scores.mean["fid"], scores.draws) == (0.25, 1)
    assert math.isnan(scores.spread["fid"])


def test_a_draw_that_could_not_be_measured_makes_its_score_unknown() -> None:
    scores = summarised({"fid": torch.tensor([1.0, 2.0]), "class_fid": torch.tensor([1.0, math.nan])}, 0)
    assert scores.mean["fid"] == 1.5
    assert math.isnan(scores.mean["class_fid"])
    assert math.isnan(scores.spread["class_fid"])


@pytest.mark.parametrize(("count", "of"), [(50, 100), (900, 1000)])
def test_the_finite_population_is_corrected_for(count: int, of: int) -> None:
    # The mean of n fresh points has the standard deviation s/sqrt(n), s that of the population.
    data, generator = labelled(of), torch.Generator().manual_seed(0)
    means = torch.stack([draw(data, count, generator)[0].mean() for _ in range(4000)])
    fresh = float(data.heldout.double().std()) / math.sqrt(count)
    assert summarised({"mean": means}, count / of).spread["mean"] == pytest.approx(fresh, rel=0.05)
