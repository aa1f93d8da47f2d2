"""What has come to mean something else from one version of ganstudy to the next, as `CHANGES`.

A session of a study writes down the names of all changes that it knows, so that a study is not gone on with whose
trials were trained before one that touches them. Where a row of a table or a setting gets another meaning, by which a
spec trains otherwise than before, a row is added here; none is taken away or named anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainables import penalties
from trainables.spec import ADVERSARIAL, Spec


@dataclass(frozen=True)
class Change:
    """One change: its `name`, what of a spec that it `touches` was `before` otherwise, in words."""

    name: str
    before: str
    touches: Callable[[Spec], bool]


def _sees_alphas_d(spec: Spec) -> bool:
    """Whether d enters the training of an alpha below 1 other than through f(d) and g(d), which stayed the same."""
    if spec.objective["name"] != "alpha" or spec.objective.get("alpha", 0.5) >= 1:
        return False
    if spec.model not in ADVERSARIAL:
        return spec.model == "dirac"  # which never had the activation
    by_formula = spec.generator_loss not in ("default", "saturating", "non_saturating")
    charged = any(row.charged for row, _ in penalties.resolve_all(spec.penalties))
    return by_formula or (charged and spec.pairing == "independent")


CHANGES = (
    Change(
        "alpha's d is the critic's output",  # of 27 November 2026
        "d of objective alpha below 1 was f-GAN's activation of the critic's output, which penalties and the"
        " generator's loss took for the output",
        _sees_alphas_d,
    ),
)
