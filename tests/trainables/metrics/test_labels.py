import pytest
import torch
from torch import Tensor

from trainables.metrics.frechet import frechet_distance, gaussian_from_samples
from trainables.metrics.labels import (
    MINIMUM,
    class_coverage,
    class_fid,
    class_frechet,
    class_gaussians,
    class_neighbourhoods,
    label_fidelity,
)
from trainables.metrics.neighbours import neighbourhood, prdc


def labelled(replicas: int, count: int, classes: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Features (R, n, 3) about a mean of their label's own, and labels (R, n) in random order."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (replicas, count), generator=generator)
    noise = torch.randn(replicas, count, 3, generator=generator, dtype=torch.float64)
    return noise + 5 * labels.unsqueeze(-1), labels


def test_fidelity_is_the_fraction_that_agrees() -> None:
    predicted = torch.tensor([[0, 1, 2, 3], [0, 0, 0, 0]])
    requested = torch.tensor([[0, 1, 2, 0], [1, 1, 1, 0]])
    assert label_fidelity(predicted, requested).tolist() == [0.75, 0.25]


def test_each_class_is_measured_on_its_own_samples() -> None:
    real, real_labels = labelled(1, 400, 3, seed=1)
    features, labels = labelled(2, 200, 3)
    references = class_gaussians(real[0], real_labels[0], 3)
    distances = class_frechet(features, labels, references)
    for replica in range(2):
        for label in range(3):
            own = features[replica, labels[replica] == label].unsqueeze(0)
            reference = gaussian_from_samples(real[0, real_labels[0] == label])
            torch.testing.assert_close(distances[replica, label], frechet_distance(own, reference)[0])
    torch.testing.assert_close(class_fid(features, labels, references), distances.mean(1))


def test_swapped_labels_are_seen_by_the_class_fid_alone() -> None:
    real, real_labels = labelled(1, 2000, 2, seed=1)
    features, labels = labelled(1, 1000, 2)
    references, whole = class_gaussians(real[0], real_labels[0], 2), gaussian_from_samples(real[0])
    right, swapped = (class_fid(features, wanted, references).item() for wanted in (labels, 1 - labels))
    assert right < 0.1
    assert swapped == pytest.approx(75, rel=0.05)
    assert frechet_distance(features, whole).item() < 0.5


def test_a_class_of_too_few_samples_is_left_out_of_the_mean() -> None:
    features, _ = labelled(2, 100, 1)
    labels = torch.zeros(2, 100, dtype=torch.int64)
    labels[:, : MINIMUM - 1] = 1
    labels[1, :MINIMUM] = 1
    distances = class_frechet(features, labels, [gaussian_from_samples(features[0])] * 2)
    assert distances.isnan().tolist() == [[False, True], [False, False]]
    torch.testing.assert_close(
        class_fid(features, labels, [gaussian_from_samples(features[0])] * 2), distances.nanmean(1)
    )


def test_a_class_of_too_few_real_samples_has_no_reference() -> None:
    features, labels = torch.randn(MINIMUM + 3, 2), torch.tensor([0] * MINIMUM + [1] * 3)
    references = class_gaussians(features, labels, 3)
    assert [reference is None for reference in references] == [False, True, True]


def test_no_class_of_enough_samples_has_no_mean() -> None:
    features, labels = labelled(2, 50, 40)
    assert class_fid(features, labels, [gaussian_from_samples(features[0])] * 40).isnan().all()


def test_coverage_within_a_class_is_the_coverage_of_that_class() -> None:
    real, real_labels = labelled(1, 900, 3, seed=1)
    features, labels = labelled(2, 300, 3)
    found = class_coverage(features, labels, class_neighbourhoods(real[0], real_labels[0], 3, 4, 60))
    for replica in range(2):
        each = []
        for label in range(3):
            balls = neighbourhood(real[0, real_labels[0] == label][:60], 4)
            own = features[replica : replica + 1, labels[replica] == label][:, :60]
            each.append(prdc(own, balls)["coverage"].item())
        assert found[replica].item() == pytest.approx(sum(each) / 3)


def test_swapped_labels_cover_nothing() -> None:
    real, real_labels = labelled(1, 2000, 2, seed=1)
    features, labels = labelled(1, 1000, 2)
    balls = class_neighbourhoods(real[0], real_labels[0], 2, 5, 500)
    assert class_coverage(features, labels, balls).item() > 0.9
    assert class_coverage(features, 1 - labels, balls).item() < 0.05


def test_coverage_leaves_out_classes_that_are_too_small() -> None:
    points, labels = torch.randn(MINIMUM + 3, 2), torch.tensor([0] * MINIMUM + [1] * 3)
    balls = class_neighbourhoods(points, labels, 3, 5, 500)
    assert [ball is None for ball in balls] == [False, True, True]
    assert class_coverage(points.unsqueeze(0), labels.unsqueeze(0), balls).item() == 1
    assert class_coverage(points.unsqueeze(0), labels.unsqueeze(0) * 0 + 2, balls).isnan().all()
