"""The plane of a cloud with known axes is found, points are projected into it, and its sign is fixed."""

import math

import pytest
import torch

from trainables.data import load
from trainables.data.plane import principal_plane


def cloud() -> torch.Tensor:
    """Points about (1, 2, 3, 4) that vary most along a diagonal, then along the last coordinate."""
    generator = torch.Generator().manual_seed(0)
    along, last, rest = (std * torch.randn(4000, 1, generator=generator) for std in (5.0, 2.0, 0.1))
    return torch.cat([along, -2 * along, rest, last], 1) + torch.tensor([1.0, 2.0, 3.0, 4.0])


def test_the_axes_are_those_of_the_largest_spread() -> None:
    plane = principal_plane(cloud())
    diagonal = torch.tensor([-1.0, 2.0, 0.0, 0.0], dtype=torch.float64) / math.sqrt(5)
    torch.testing.assert_close(plane.axes[0], diagonal, atol=0.02, rtol=0)
    torch.testing.assert_close(plane.axes[1], torch.tensor([0.0, 0, 0, 1], dtype=torch.float64), atol=0.02, rtol=0)
    torch.testing.assert_close(plane.axes @ plane.axes.T, torch.eye(2, dtype=torch.float64))


def test_projections_are_centred_uncorrelated_and_keep_the_variance() -> None:
    points = cloud()
    there = principal_plane(points).project(points.view(2, 2000, 4))
    assert (there.shape, there.dtype) == ((2, 2000, 2), torch.float32)
    covariance = torch.cov(there.flatten(0, 1).T)
    values = torch.linalg.eigvalsh(torch.cov(points.T)).flip(0)
    torch.testing.assert_close(covariance, torch.diag(values[:2]), atol=0.01, rtol=1e-3)
    assert bool(principal_plane(points).project(torch.full((1, 4), torch.nan)).isnan().all())


@pytest.mark.parametrize("name", ["ring", "gaussian", "digits"])
def test_lines_planes_and_pictures_need_none(name: str) -> None:
    assert load(name).plane is None
