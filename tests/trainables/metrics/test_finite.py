import pytest
import torch
from torch import Tensor

from trainables import transfer
from trainables.metrics.finite import finite_only, finite_replicas, spread_out


@finite_only
def mean_and_count(samples: Tensor, scale: float) -> dict[str, Tensor]:
    """The mean, and how many replicas were seen."""
    return {"mean": scale * samples.mean((1, 2)), "seen": torch.full((len(samples),), len(samples))}


def stack() -> Tensor:
    return torch.arange(24.0).reshape(3, 4, 2)


def test_a_nan_and_an_infinity_each_mark_their_replica_alone() -> None:
    samples = stack()
    samples[0, 1, 1] = torch.nan
    samples[2, 3, 0] = -torch.inf
    assert finite_replicas(samples).tolist() == [False, True, False]


def test_values_return_to_their_places_with_nan_between() -> None:
    spread = spread_out(torch.tensor([1.0, 2.0]), torch.tensor([True, False, True]))
    assert spread[[0, 2]].tolist() == [1.0, 2.0]
    assert spread[1].isnan()


def test_counts_of_an_absent_replica_are_zero() -> None:
    assert spread_out(torch.tensor([[3, 4]]), torch.tensor([False, True])).tolist() == [[0, 0], [3, 4]]


def test_the_metric_sees_finite_replicas_only() -> None:
    samples = stack()
    samples[1, 0, 0] = torch.inf
    measured = mean_and_count(samples, scale=2.0)
    assert measured["mean"][[0, 2]].tolist() == [2 * 3.5, 2 * 19.5]
    assert measured["mean"][1].isnan()
    assert measured["seen"].tolist() == [2, 0, 2]


def test_finite_samples_pass_through() -> None:
    assert mean_and_count(stack(), 1.0)["seen"].tolist() == [3, 3, 3]


def test_all_replicas_may_be_absent() -> None:
    assert mean_and_count(torch.full((2, 3, 1), torch.nan), 1.0)["mean"].isnan().all()


def test_errors_are_the_metrics_own() -> None:
    @finite_only
    def refusing(samples: Tensor) -> Tensor:
        raise ValueError(f"no use for {len(samples)} replicas")

    with pytest.raises(ValueError, match="no use for 3 replicas"):
        refusing(stack())


@pytest.mark.parametrize("lost", [(1,), (0, 2), (0, 1, 2), ()])
def test_where_to_ask_is_to_wait_others_stand_in(lost: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    samples = stack()
    for replica in lost:
        samples[replica, 0, 0] = torch.nan
    expected = mean_and_count(samples, scale=2.0)
    monkeypatch.setattr(transfer, "read_at_once", lambda _: False)
    measured = mean_and_count(samples, scale=2.0)
    torch.testing.assert_close(measured["mean"], expected["mean"], rtol=0, atol=0, equal_nan=True)
    assert measured["seen"].tolist() == [0 if replica in lost else 3 for replica in range(3)]
