"""What an update does with the gradients of a population, in one pass each: their lengths, and Adam's step."""

from __future__ import annotations

import ctypes

from torch import Tensor

from trainables.native.library import address, kernels, over_replicas


def check_gradients(gradients: Tensor, loss: Tensor, bound: float, alive: Tensor) -> Tensor:
    """The lengths (R,) of gradients (R, P); clears `alive` (R,) bool where the loss (R,) exceeds `bound` or the
    gradient is not finite. All but `alive` must be `usable`."""
    gradients, loss = gradients.contiguous(), loss.contiguous()
    lengths = gradients.new_empty(len(gradients))
    over_replicas(
        kernels().check_gradients, len(gradients), ctypes.c_size_t(gradients.shape[1]),
        address(gradients), address(loss), ctypes.c_float(bound), address(lengths), address(alive),
    )  # fmt: skip
    return lengths


def adam_update(
    weights: Tensor, gradients: Tensor, first: Tensor, second: Tensor, lr: Tensor, beta1: Tensor, beta2: Tensor,
    count: Tensor, epsilon: float, bound: float, alive: Tensor,
) -> None:  # fmt: skip
    """Make Adam's `count`-th update of weights and moments (R, P) in place, of the replicas in `alive` (R,) bool, which
    loses those whose weights then exceed `bound`.

    `lr`, `beta1` and `beta2` are (R, 1), `count` is an int64. All others but `alive` must be `usable`, and what is
    changed contiguous.
    """
    assert weights.is_contiguous()
    assert first.is_contiguous()
    assert second.is_contiguous()
    gradients = gradients.contiguous()
    over_replicas(
        kernels().adam_update, len(weights), ctypes.c_size_t(weights.shape[1]),
        address(weights), address(gradients), address(first), address(second), address(lr), address(beta1),
        address(beta2), address(count), ctypes.c_float(epsilon), ctypes.c_float(bound), address(alive),
    )  # fmt: skip
