"""Dense networks for the kernels, with the same layers written in torch beside them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainables.native import DenseLayers


@pytest.fixture(scope="session")
def layers_of() -> Callable[[tuple[int, ...], float], DenseLayers]:
    """Layers of these widths, leaky by a slope, or relu where it is 0."""

    def layers(widths: tuple[int, ...], slope: float) -> DenseLayers:
        def plain(flat: Tensor, x: Tensor) -> Tensor:
            at = 0
            for number, (i, o) in enumerate(pairwise(widths)):
                matrix, bias = flat[:, at : at + i * o].unflatten(1, (i, o)), flat[:, at + i * o : at + i * o + o]
                at += i * o + o
                x = torch.bmm(x, matrix) + bias[:, None]
                if number < len(widths) - 2:
                    x = functional.leaky_relu(x, slope) if slope else x.relu()
            return x

        return DenseLayers(widths, slope, plain)

    return layers
