"""Pairings: what f and g are applied to, the critic's output of a sample or how much it prefers one to another.

With C the critic network's output before the link, and d = link(C):

    independent             E_p f(d(x)) + E_q g(d(y))
    relativistic            E ½ [f(link(C(x) - C(y))) + g(link(C(y) - C(x)))] over pairs of a real x and a generated y
    relativistic_average    E_p f(link(C(x) - E_q C)) + E_q g(link(C(y) - E_p C))

(Jolicoeur-Martineau 2019, "The relativistic discriminator"; RSGAN and R3GAN, Huang et al. 2024, are `relativistic` with
`non_saturating`.) The generator's loss l is paired likewise. Its part on real samples is l with the roles exchanged: f
and g, and the sign of d. So `saturating` stays the zero-sum game, and `non_saturating` RSGAN's and R3GAN's loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from trainables.objectives.optimum import derivatives
from trainables.objectives.table import Game, written

PAIRINGS = {  # by name, and what each compares
    "independent": "the critic judges each sample by itself",
    "relativistic": "each real sample beside one generated sample (Jolicoeur-Martineau 2019)",
    "relativistic_average": "each sample beside the mean of the other side (Jolicoeur-Martineau 2019)",
}
GRID = torch.linspace(-30, 30, 12_001, dtype=torch.float64)  # differences of the critic's outputs
ROUNDING = 1e-9  # of the numbers compared
FAR = ((1e4, 1e8, 1e16), (50.0, 158.0, 500.0))  # differences by which it is judged; the second where numbers overflow
SLOW = 1e-6  # a power of the distance that falls less does not fall


def compared(game: Game, pairing: str, on_real: Tensor, on_fake: Tensor) -> tuple[Tensor, Tensor]:
    """What f and g are applied to, each (R, n), for the critic's outputs (R, n) on real and on generated samples.

    Outputs are those of `link` where samples are independent, and else the network's own.
    """
    if pairing == "independent":
        return on_real, on_fake
    if pairing == "relativistic":
        return game.link(on_real - on_fake), game.link(on_fake - on_real)
    return game.link(on_real - on_fake.mean(-1, keepdim=True)), game.link(on_fake - on_real.mean(-1, keepdim=True))


def critic_value(game: Game, pairing: str, on_real: Tensor, on_fake: Tensor, smoothing: Tensor | None = None) -> Tensor:
    """What the critic maximises, (R,), for its outputs (R, n); `smoothing` (R,) of the real samples count as fake."""
    real, fake = compared(game, pairing, on_real, on_fake)
    gain = game.f(real).mean(-1)
    if smoothing is not None:
        gain = torch.lerp(gain, game.g(real).mean(-1), smoothing)
    return (gain + game.g(fake).mean(-1)) * _share(pairing)


def generator_loss(game: Game, pairing: str, on_real: Tensor, on_fake: Tensor) -> Tensor:
    """What the generator minimises, (R,), for the critic's outputs (R, n) where samples are not independent."""
    assert game.mirrored is not None
    real, fake = compared(game, pairing, on_real, on_fake)
    return (game.mirrored(real).mean(-1) + game.loss(fake).mean(-1)) * _share(pairing)


def check_pairing(game: Game, pairing: str) -> None:
    """Refuse a generator's loss of which the part on real samples is not known. Raises `ValueError`."""
    if pairing != "independent" and game.mirrored is None:
        raise ValueError(
            f"generator_loss: expected a name or a formula with pairing {pairing}, which exchanges f and g in it,"
            f" got the function {game.loss_name}"
        )


def _share(pairing: str) -> float:
    """A pair is one sample of the expectation, not two."""
    return 0.5 if pairing == "relativistic" else 1.0


@dataclass(frozen=True)
class PairingExplanation:
    """What is known of a relativistic game before training, of V(C) = `critic_value` in expectation.

    `is_divergence`: D(p, q) = sup_C V - `value_at_equality` is shown to be 0 where p = q and above 0 elsewhere, as
    follows from `none_at_equality`, no critic finds anything between p and p, which is also needed, and a `slope` other
    than 0, what an infinitesimal critic gains for each unit of E_p C - E_q C. `finite`: the supremum is finite for all
    p and q that overlap; None where that was not found. `zero_sum`: the generator minimises what the critic maximises.
    """

    name: str
    f: str
    g: str
    generator: str
    pairing: str
    value_at_equality: float
    none_at_equality: bool
    slope: float
    is_divergence: bool
    finite: bool | None
    zero_sum: bool
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def explain_pairing(game: Game, pairing: str) -> PairingExplanation:
    """Whether a relativistic game defines a divergence; by what the critic can gain at p = q and near it.

    For pairs of samples T = C(x) - C(y) is symmetric where p = q, so that only the even part of phi(t) = ½ [f(link t) +
    g(link -t)] counts, and no critic gains where it is largest at 0; a critic that is 0 and t with equal chances does
    gain where it is not. For means E T = 0, and s(t) = f(link t) + g(link t) must lie below its tangent at 0. In both
    cases a small multiple of a function whose means differ gains its slope, so that D > 0 where p and q differ. Concave
    f and g suffice (Jolicoeur-Martineau 2020, "On relativistic f-divergences"). Raises what `check_pairing` does.
    """
    check_pairing(game, pairing)
    zero, none = torch.zeros(1, dtype=torch.float64), torch.zeros_like(GRID)
    f, g = game.of_outputs
    rise_f, rise_g = (float(derivatives(part, zero)[0]) for part in (f, g))
    pairs = pairing == "relativistic"
    whole = 0.5 if pairs else 1.0
    at_zero = whole * float(f(zero) + g(zero))
    if pairs:
        excess = (f(GRID) + g(-GRID) + f(-GRID) + g(GRID)) / 4 - at_zero
    else:
        excess = f(GRID) + g(GRID) - at_zero - (rise_f + rise_g) * GRID
    size = 1 + f(GRID).abs() + g(GRID).abs() + f(-GRID).abs() + g(-GRID).abs()
    nothing = bool((excess <= ROUNDING * size).all())
    slope = whole * (rise_f - rise_g)
    loss = generator_loss(game, pairing, GRID[:, None], none[:, None])
    value = critic_value(game, pairing, GRID[:, None], none[:, None])
    parts: dict[str, Any] = {
        "name": game.objective.name,
        "f": written(game.objective.f),
        "g": written(game.objective.g),
        "generator": game.loss_name,
        "pairing": pairing,
        "value_at_equality": at_zero,
        "none_at_equality": nothing,
        "slope": slope,
        "is_divergence": nothing and abs(slope) > ROUNDING,
        "finite": _finite(f, g, pairing),
        "zero_sum": bool(((loss == value) | ((loss - value).abs() <= ROUNDING * (1 + value.abs()))).all()),
    }
    return PairingExplanation(**parts, sentence=_sentence(parts))


def _finite(f: Callable[[Tensor], Tensor], g: Callable[[Tensor], Tensor], pairing: str) -> bool | None:
    """Whether a critic that is scaled up gains within bounds, as outputs of either sign come on both sides: if what it
    gains on one is bounded, or falls behind what it loses on the other like a power of the scale."""
    for distances in FAR:
        t = torch.tensor(distances, dtype=torch.float64)
        parts = (f(t) + g(-t), f(-t) + g(t)) if pairing == "relativistic" else (f(t), g(-t), f(-t), g(t))
        gain = torch.stack([part.clamp(min=0) for part in parts]).sum(0)
        lost = -torch.stack([part.clamp(max=0) for part in parts]).sum(0)
        if gain.isfinite().all():
            break
    else:
        return None
    share = gain / lost
    if gain[-1] - gain[0] <= ROUNDING * (1 + gain[0]) or share[-1] == 0:
        return True
    before, now = (share[1:] / share[:-1]).log() / (t[1:] / t[:-1]).log()
    if now < -SLOW and now <= 0.9 * before:
        return True
    return None if now < -ROUNDING else False


def _sentence(parts: dict[str, Any]) -> str:
    against = "pairs of samples" if parts["pairing"] == "relativistic" else "the other side's mean"
    lead = f"With {parts['name']} on {against} the critic's best value"
    if not parts["none_at_equality"]:
        return f"{lead} is no divergence: it finds a difference between p and p."
    if not parts["is_divergence"]:
        return f"{lead} is not shown to be a divergence: where p and q differ a small critic gains nothing at first."
    infinite = {False: ", which is infinite unless the critic is constrained", None: ", not known to be finite"}
    bounded = infinite.get(parts["finite"], "")
    game = "descends it" if parts["zero_sum"] else "has a loss of its own"
    return (
        f"{lead}, less {parts['value_at_equality']:.4g}, is a divergence{bounded}; the generator {game}. It has no"
        " formula in p and q: the best critic at a point depends on all others, so that it tells no density ratio."
    )
