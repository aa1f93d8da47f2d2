"""What penalties on the critic's outputs come to: LeCam's distance from moving averages, and inconsistency."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from trainables.augmentations import changed
from trainables.penalties import Term


def from_anchors(term: Term, on_real: Tensor, on_fake: Tensor) -> Tensor:
    """LeCam's distance (R,) of the critic's outputs (R, B) to what they were on the other set; moves the anchors.

    The authors' code leaves out outputs beyond their anchor, which presumes that real samples score higher; their paper
    does not.
    """
    assert term.anchors is not None
    with torch.no_grad():
        means = torch.stack([on_real.mean(1), on_fake.mean(1)], 1)
        moved = torch.lerp(means, term.anchors, term.settings["decay"][:, None])
        term.anchors.copy_(means.where(term.anchors.isnan(), moved))
        of_real, of_fake = term.anchors.clone().unbind(1)
    return (on_real - of_fake[:, None]).square().mean(1) + (on_fake - of_real[:, None]).square().mean(1)


def inconsistency(
    term: Term, critic: Callable[[Tensor], Tensor], samples: Tensor, outputs: Tensor, uniform: Tensor, spread: Tensor
) -> Tensor:
    """The mean squared change (R,) of the critic's outputs (R, B) as samples are changed; `spread` is (R,)."""
    return (critic(changed(samples, uniform, term.settings, spread)) - outputs).square().mean(1)
