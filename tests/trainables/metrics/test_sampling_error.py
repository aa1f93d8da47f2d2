import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from trainables.data import load
from trainables.data.mixture import Mixture
from trainables.metrics.measurements import MeasuredSamples, fid
from trainables.metrics.modes import mixture_modes
from trainables.metrics.sampling_error import BLOCKS, in_blocks, standard_error


def mixture(name: str) -> Mixture:
    found = load(name, points=10, heldout=10).mixture
    assert found is not None
    return found


def drawn(data: Mixture, spoil: Callable[[Tensor, torch.Generator], Tensor], draws: int = 600) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.stack([spoil(data.sample(2500, generator)[0], generator) for _ in range(draws)])


def measured(samples: Tensor, data: Mixture) -> dict[str, Tensor]:
    found = fid(samples[0], data)(MeasuredSamples(samples, samples, None, None))
    return found | mixture_modes(samples, data.weights, data.means, data.variances)


def ratio(columns: dict[str, Tensor], name: str) -> float:
    """The root mean square of the errors over the standard deviation of the measurements themselves."""
    return float(columns[f"{name}_error"].square().mean().sqrt() / columns[name].std())


def broad(points: Tensor, generator: torch.Generator) -> Tensor:
    return points + 0.15 * torch.randn(points.shape, generator=generator, dtype=torch.float64)


def stretched(points: Tensor, _: torch.Generator) -> Tensor:
    return 1.02 * points + torch.tensor([0.0, 1.0])


def test_blocks_are_disjoint_and_in_the_replicas_order() -> None:
    points = torch.arange(2 * 11).reshape(2, 11)
    blocks = in_blocks(points)
    assert blocks.tolist()[:2] == [[0, 1], [2, 3]]
    assert blocks.tolist()[BLOCKS:][:2] == [[11, 12], [13, 14]]
    assert in_blocks(points.unsqueeze(-1)).shape == (2 * BLOCKS, 2, 1)


def test_the_standard_error_of_known_blocks() -> None:
    # Standard deviation of 1..5 with divisor 4: sqrt(2.5); over sqrt(5): sqrt(0.5).
    assert standard_error(torch.tensor([1.0, 2, 3, 4, 5, 7, 7, 7, 7, 7])).tolist() == pytest.approx([math.sqrt(0.5), 0])


@pytest.mark.parametrize("data", ["ring", "grid"])
def test_away_from_the_floor_it_is_the_spread_over_independent_draws(data: str) -> None:
    known = mixture(data)
    # 600 draws know a standard deviation to 3 %, and the root mean square of errors of 4 degrees of freedom to 1.5 %.
    assert ratio(measured(drawn(known, broad), known), "mass_js") == pytest.approx(1, abs=0.15)
    assert ratio(measured(drawn(known, stretched), known), "fid") == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("name", ["fid", "mass_js"])
def test_at_the_floor_it_is_too_large_by_the_root_of_the_blocks(name: str) -> None:
    known = mixture("ring")
    perfect = measured(drawn(known, lambda points, _: points), known)
    assert ratio(perfect, name) == pytest.approx(math.sqrt(BLOCKS), rel=0.15)
