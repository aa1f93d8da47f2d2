import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from trainables.data import DataSet, Mixture, load
from trainables.metrics import measurements
from trainables.metrics.measurements import MeasuredSamples


def two_modes() -> Mixture:
    return Mixture(torch.tensor([0.25, 0.75]), torch.tensor([[0.0], [4.0]]), torch.tensor([1.0, 1.0]))


def data_of(points: Tensor, labels: Tensor | None = None, classes: int = 0, mixture: Mixture | None = None) -> DataSet:
    return DataSet("points", points, labels, points, labels, classes, mixture)


def seen(samples: Tensor, predicted: Tensor | None = None, requested: Tensor | None = None) -> MeasuredSamples:
    return MeasuredSamples(samples, samples.flatten(2), predicted, requested)


def test_fid_of_a_mixture_refers_to_its_exact_moments() -> None:
    # Mean 3, variance 1 + 4²·¼·¾ = 4, whatever the training points are; of ten points at 3 ± 2√0.9 the same.
    samples = 3 + 2 * math.sqrt(0.9) * torch.tensor([1.0, -1.0]).repeat(5).reshape(1, 10, 1)
    fid = measurements.fid(torch.zeros(5, 1), two_modes())(seen(samples))["fid"]
    assert fid.item() == pytest.approx((2 - 2) ** 2, abs=1e-9)
    apart = measurements.fid(torch.zeros(5, 1), two_modes())(seen(2 * samples))["fid"]
    assert apart.item() == pytest.approx((6 - 3) ** 2 + (4 - 2) ** 2)


def test_fid_of_other_data_refers_to_the_training_part() -> None:
    real = torch.randn(12, 1, generator=torch.Generator().manual_seed(0))
    found = measurements.fid(real, None)(seen(10 + real.unsqueeze(0)))
    assert found["fid"].item() == pytest.approx(100)
    assert found["fid_error"].item() > 0


def test_the_error_of_a_fid_is_the_spread_over_five_blocks() -> None:
    # Blocks of the same two values shifted by 0, 1, … 4: their FIDs are the squared shifts plus the same difference of
    # deviations, with the standard deviation of (0, 1, 4, 9, 16).
    samples = torch.tensor([-1.0, 1.0]).repeat(5) + torch.arange(5).repeat_interleave(2)
    found = measurements.fid(torch.tensor([[-1.0], [1.0]]), None)(seen(samples.reshape(1, 10, 1)))
    squares = torch.arange(5).double().square()
    assert found["fid_error"].item() == pytest.approx(squares.std().item() / math.sqrt(5))


def test_prdc_takes_so_many_of_both() -> None:
    real = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    samples = real.flip(0).unsqueeze(0).clone()
    samples[:, 40:] = 1e6
    assert measurements.prdc(real, 40, 3)(seen(samples))["precision"].item() > 0.5
    assert measurements.prdc(real, 60, 3)(seen(samples))["precision"].item() <= 40 / 60


def test_class_weights_are_those_of_the_training_part() -> None:
    labels = torch.tensor([0, 0, 0, 2])
    assert measurements.class_weights(data_of(torch.zeros(4, 1, 4, 4), labels, 3)).tolist() == [0.75, 0, 0.25]


def test_stacked_digits_are_equally_likely() -> None:
    weights = measurements.class_weights(load("stacked_digits", points=20, heldout=5))
    assert weights.tolist() == [0.001] * 1000


def test_unlabelled_data_have_no_class_weights() -> None:
    with pytest.raises(ValueError, match="'points' has no labels"):
        measurements.class_weights(data_of(torch.zeros(4, 2)))


def test_images_are_covered_by_their_predicted_classes() -> None:
    data = data_of(torch.zeros(4, 1, 4, 4), torch.tensor([0, 1, 2, 3]), 4)
    columns = measurements.mode_coverage(data)(seen(torch.zeros(1, 4, 1, 4, 4), torch.tensor([[1, 1, 2, 2]])))
    assert columns["modes"].item() == 2
    assert columns["reverse_kl"].item() == pytest.approx(math.log(2))
    assert "high_quality" not in columns


def test_a_label_of_a_mixture_is_its_component() -> None:
    # Samples of component k requested as k: exact per-class moments N(μ_k, 1).
    mixture, labels = two_modes(), torch.arange(2).repeat(500)
    noise = torch.randn(1000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    samples = (mixture.means[labels] + noise).unsqueeze(0)
    measure = measurements.label_agreement(samples[0], labels, 2, mixture, 5, 1000)
    columns = measure(seen(samples, predicted=labels.unsqueeze(0), requested=labels.unsqueeze(0)))
    assert columns["label_fidelity"].item() == 1
    assert columns["class_fid"].item() < 0.02
    assert columns["class_coverage"].item() == 1
    # Swapped, every class is 4 away from where it should be.
    swapped = measure(seen(samples, labels.unsqueeze(0), 1 - labels.unsqueeze(0)))
    assert swapped["label_fidelity"].item() == 0
    assert swapped["class_fid"].item() == pytest.approx(16, rel=0.1)


def test_labels_are_measured_where_requested_and_fidelity_where_predicted() -> None:
    points, labels = torch.randn(100, 3), torch.arange(100) % 2
    measure = measurements.label_agreement(points, labels, 2, None, 5, 100)
    assert measure(seen(points.unsqueeze(0))) == {}
    assert measure(seen(points.unsqueeze(0), requested=labels.unsqueeze(0))).keys() == {
        "class_fid", "class_coverage",
    }  # fmt: skip


@pytest.mark.parametrize("known", [True, False])
def test_the_line_is_measured_against_the_truth_where_it_is_known(known: bool) -> None:
    mixture = Mixture(torch.ones(1), torch.zeros(1, 1), torch.ones(1))
    points = mixture.sample(200_000, torch.Generator().manual_seed(0))[0].float()
    measure = measurements.wasserstein(data_of(points, mixture=mixture if known else None))
    distance = measure(seen(torch.zeros(1, 10, 1)))["wasserstein_1d"].item()
    assert distance == pytest.approx(2 * stats.norm.pdf(0), rel=1e-9 if known else 0.01)


def test_kernels_have_intervals() -> None:
    real = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    columns = measurements.kernels(real, 300)(seen(torch.zeros(2, 300, 2)))
    assert columns.keys() == {"kid", "kid_low", "kid_high", "mmd", "mmd_low", "mmd_high"}
    for name in ("kid", "mmd"):
        assert (columns[f"{name}_low"] <= columns[name]).all()
        assert (columns[name] <= columns[f"{name}_high"]).all()
        assert (columns[f"{name}_low"] > 0).all()


def test_slices_are_fixed_by_their_generator() -> None:
    real, samples = torch.randn(50, 2), torch.randn(1, 30, 2)
    first, again = (measurements.slices(real, torch.Generator().manual_seed(0))(seen(samples)) for _ in range(2))
    assert torch.equal(first["sliced_wasserstein"], again["sliced_wasserstein"])
