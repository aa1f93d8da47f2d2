"""The adversarial functional F(D; p, q) = E_p f(d(x)) + E_q g(d(x)), as a table of (f, g, generator loss).

`d` is the critic's output, `p` the data, `q` the generator, `r = p/q`. The critic maximises F; the generator minimises
E_z l(d(G(z))), where l is chosen independently of f and g:

- `saturating`: l = g, the zero-sum game;
- `non_saturating`: l = -f ("misleading labels");
- `critic_mean`: l = -d, or d where a larger d means fake.

A row holds its formulas as text, so that code, documentation and tests read the same table. `optimal` is
d*(r) = argmax_d [r f(d) + g(d)] and `phi` the integrand phi(r) = r f(d*) + g(d*) of sup F = E_q phi(r); neither exists
pointwise for `wasserstein`. Where f and g are not meant for all reals, as of an energy, which is positive, `link`, the
critic's output activation, maps the network's output into their domain.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from trainables import own_code
from trainables.checks import choice, interval, number, only, shown
from trainables.objectives.expression import Expression, ExpressionError, parse

NEAREST = 1e-4  # of alpha to 1: float32 rounds g to about 6e-8/(alpha - 1) of itself
GENERATOR_LOSSES = ("saturating", "non_saturating", "critic_mean")


Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Objective:
    """One row: f and g as formulas of d, the generator's usual loss, and their known properties.

    A row of the user's own may hold functions of tensors in place of formulas: `Objective("mine", f, g)` is enough to
    explain a pair. `generator` is one of `GENERATOR_LOSSES` or a formula of d, f and g. `boundary` is d*(1), where
    the critic cannot tell p from q; None where the level of d has no meaning. `orientation` is -1 where a larger d
    means fake. `parameters` are the row's numbers with their defaults and may be used in every formula, none of them
    one of `excluded`; `at` adapts the row to given numbers where other fields depend on them, and raises `ValueError`
    for invalid ones.
    """

    name: str
    f: str | Function
    g: str | Function
    generator: str | Function = "saturating"
    induces: str = ""
    source: str = ""
    optimal: str | None = None
    phi: str | None = None
    boundary: float | None = 0.0
    orientation: int = 1
    link: str = "d"
    parameters: Mapping[str, float] = field(default_factory=dict)
    excluded: tuple[float, ...] = ()
    at: Callable[[Objective, Mapping[str, float]], Objective] = lambda row, values: row


def _labels(row: Objective, values: Mapping[str, float]) -> Objective:
    """Checks least squares' labels a of fake and b of real samples; the boundary lies halfway between them."""
    a, b = values["a"], values["b"]
    if a == b:
        raise ValueError(f"objective.a: expected a label other than b = {b}, got {a}")
    return replace(row, boundary=(a + b) / 2, orientation=-1 if a > b else 1)


def _order(row: Objective, values: Mapping[str, float]) -> Objective:
    """Checks the alpha-divergence's order. Below 1 f-GAN's conjugate is finite only for t < 1/(1 - alpha), and its
    output activation t = 1/(1 - alpha) - softplus(-d) is part of f and g; above 1 t is d."""
    alpha = values["alpha"]
    if alpha in row.excluded or abs(alpha - 1) < NEAREST:
        raise ValueError(
            "objective.alpha: expected a number other than 0 and 1 (use reverse_kl or kl), and not so near to 1 that"
            f" float32 cannot tell d*(alpha - 1) + 1 from 1, got {alpha}"
        )
    if alpha < 1:
        equal = 1 / (1 - alpha)
        return replace(row, boundary=-equal - math.log(-math.expm1(-equal)))
    g = "-(max(d*(alpha - 1) + 1, 0)**(alpha/(alpha - 1)) - 1)/alpha"
    return replace(row, f="d", g=g, optimal="(r**(alpha - 1) - 1)/(alpha - 1)", boundary=0.0)


def _tilts(row: Objective, values: Mapping[str, float]) -> Objective:
    """Checks the alpha-loss's orders of the critic and of the generator; at 1 it is the logistic loss."""
    for name in ("alpha_d", "alpha_g"):
        interval(f"objective.{name}", values[name], 0, float("inf"))
    if values["alpha_d"] == 1:
        row = replace(row, f="-softplus(-d)", g="-softplus(d)", phi="r*log(r) - (1 + r)*log1p(r)")
    return replace(row, generator="-softplus(d)") if values["alpha_g"] == 1 else row


def _margin(row: Objective, values: Mapping[str, float]) -> Objective:
    """Checks the energy's margin m > 0."""
    interval("objective.m", values["m"], 0, float("inf"))
    return row


# fmt: off
_ROWS = (
    Objective(
        "minimax", "-softplus(-d)", "-softplus(d)", "saturating", "2 JS - log 4",
        "Goodfellow et al. 2014", "log(r)", "r*log(r) - (1 + r)*log1p(r)",
    ),
    Objective(
        "non_saturating", "-softplus(-d)", "-softplus(d)", "non_saturating", "2 JS - log 4",
        "Goodfellow et al. 2014", "log(r)", "r*log(r) - (1 + r)*log1p(r)",
    ),
    Objective(
        "least_squares", "-(d - b)**2/2", "-(d - a)**2/2", "(d - c)**2/2", "-(b - a)^2 (2 - Delta)/8",
        "Mao et al. 2017", "(b*r + a)/(r + 1)", "-(b - a)**2/2 * r/(r + 1)",
        boundary=0.5, parameters={"a": 0.0, "b": 1.0, "c": 1.0}, at=_labels,
    ),
    Objective(
        "hinge", "min(0, d - 1)", "min(0, -1 - d)", "critic_mean", "2 TV - 2",
        "Lim & Ye 2017", "sign(log(r))", "abs(r - 1) - (r + 1)",
    ),
    Objective(
        "wasserstein", "d", "-d", "critic_mean", "K W1 over K-Lipschitz critics", "Arjovsky et al. 2017", boundary=None,
    ),
    Objective(
        "absolute_error", "-sigmoid(-d)/2", "-sigmoid(d)/2", "saturating", "TV/2 - 1/2",
        "error of a probability critic", "sign(r - 1)*inf", "-min(r, 1)/2",
    ),
    Objective(
        "total_variation", "tanh(d)/2", "-tanh(d)/2", "saturating", "TV",
        "Nowozin et al. 2016", "sign(r - 1)*inf", "abs(r - 1)/2",
    ),
    Objective(
        "kl", "d", "-exp(d - 1)", "saturating", "KL(p||q)",
        "Nowozin et al. 2016", "1 + log(r)", "r*log(r)", boundary=1.0,
    ),
    Objective(
        "reverse_kl", "-exp(-d)", "1 - d", "saturating", "KL(q||p)", "Nowozin et al. 2016", "log(r)", "-log(r)",
    ),
    Objective(
        "pearson_chi2", "d", "-d**2/4 - d", "saturating", "int (p - q)^2/q",
        "Nowozin et al. 2016", "2*(r - 1)", "(r - 1)**2",
    ),
    Objective(
        "neyman_chi2", "1 - exp(-d)", "2*exp(-d/2) - 2", "saturating", "int (p - q)^2/p",
        "Nowozin et al. 2016", "2*log(r)", "(r - 1)**2/r",
    ),
    Objective(
        "squared_hellinger", "1 - exp(-d)", "1 - exp(d)", "saturating", "H^2",
        "Nowozin et al. 2016", "log(r)/2", "(sqrt(r) - 1)**2",
    ),
    Objective(
        "jensen_shannon", "log(2) - softplus(-d)", "log(2) - softplus(d)", "saturating", "2 JS",
        "Nowozin et al. 2016", "log(r)", "r*log(r) - (1 + r)*log((1 + r)/2)",
    ),
    Objective(
        "jeffrey", "1 + d - exp(-d)", "1 - d - exp(d)", "saturating", "KL(p||q) + KL(q||p)",
        "Nowozin et al. 2016", "log(r)", "(r - 1)*log(r)",
    ),
    Objective(
        "exponential", "-exp(-d)", "-exp(d)", "saturating", "H^2 - 2", "boosting's loss", "log(r)/2", "-2*sqrt(r)",
    ),
    Objective(
        "alpha", "1/(1 - alpha) - softplus(-d)",
        "-expm1(alpha/(alpha - 1)*(log(1 - alpha) + log(softplus(-d))))/alpha", "saturating", "D_alpha",
        "Nowozin et al. 2016", "r**(alpha - 1)/(alpha - 1) - log(-expm1(r**(alpha - 1)/(alpha - 1)))",
        "(r**alpha - 1 - alpha*(r - 1))/(alpha*(alpha - 1))",
        boundary=None, parameters={"alpha": 0.5}, excluded=(0, 1), at=_order,
    ),
    Objective(
        "alpha_loss", "alpha_d/(alpha_d - 1)*expm1((1 - alpha_d)/alpha_d*softplus(-d))",
        "alpha_d/(alpha_d - 1)*expm1((1 - alpha_d)/alpha_d*softplus(d))",
        "alpha_g/(alpha_g - 1)*expm1((1 - alpha_g)/alpha_g*softplus(d))", "Arimoto's divergence, shifted",
        "Welfert et al. 2024", "alpha_d*log(r)", "alpha_d/(alpha_d - 1)*((1 + r**alpha_d)**(1/alpha_d) - (1 + r))",
        parameters={"alpha_d": 0.5, "alpha_g": 1.0}, at=_tilts,
    ),
    Objective(
        "energy", "-d", "-max(0, m - d)", "d", "m (TV - 1)", "Zhao et al. 2017",
        "m*(1 - sign(r - 1))/2", "-m*min(r, 1)",
        boundary=None, orientation=-1, link="softplus(d)", parameters={"m": 1.0}, at=_margin,
    ),
)
# fmt: on

OBJECTIVES: dict[str, Objective] = {row.name: row for row in _ROWS}


@dataclass(frozen=True)
class Game:
    """An objective with its numbers filled in and its generator's loss chosen: four functions of tensors.

    `link`, the output activation, maps the critic network's output to `d`; `f`, `g` and `loss` take `d`. `loss_name` is
    the record's name of the loss. `mirrored` is the loss with the roles of real and generated samples exchanged, f and
    g and the sign of d, for pairings that show the generator both; None where the loss is a function of Python.
    """

    objective: Objective
    parameters: Mapping[str, float]
    loss_name: str
    f: Function
    g: Function
    loss: Function
    link: Function
    mirrored: Function | None = None

    @property
    def linear(self) -> bool:
        """Whether d is the network's output itself."""
        return self.objective.link == "d"

    @property
    def of_outputs(self) -> tuple[Function, Function]:
        """f and g as functions of the network's output."""
        return lambda x: self.f(self.link(x)), lambda x: self.g(self.link(x))


def resolve(objective: Mapping[str, Any] | Objective, generator_loss: str = "default") -> Game:
    """Turn a row, or a configuration's objective, and a generator loss into functions.

    `objective` is a row, or holds `name` and any of the row's parameters, or a custom pair: a new `name`, `f` and `g`,
    and optionally `generator`; or, as `name`, the location `module:attribute` of a row in Python, whose parts may be
    functions. `generator_loss` is `default` (the row's own), one of `GENERATOR_LOSSES`, or a formula of d, f and g,
    as in `-f`. Raises `ValueError` or `TypeError` naming the setting, and what `own_code.attribute` raises.
    """
    if isinstance(objective, Objective):
        return _resolved(objective, {}, generator_loss)
    if not isinstance(objective, Mapping):
        raise TypeError(f"objective: expected a name, a mapping or an Objective, got {shown(objective)}")
    name = objective.get("name")
    given = {key: value for key, value in objective.items() if key != "name"}
    if "f" in objective or "g" in objective:
        row, given = _own(objective), {}
    elif isinstance(name, str) and own_code.is_location(name):
        row = _found(name)
    else:
        choice("objective", name, OBJECTIVES)
        row = OBJECTIVES[str(name)]
    return _resolved(row, given, generator_loss)


def _resolved(row: Objective, given: Mapping[str, Any], generator_loss: str) -> Game:
    """A row with the numbers `given` in place of its defaults, and a generator loss, as functions."""
    only(f"objective {row.name}", given, row.parameters)
    for name, value in given.items():
        number(f"objective.{name}", value)
    values = {**row.parameters, **given}
    row = row.at(row, values)
    rule = row.generator if generator_loss == "default" else generator_loss
    f, g = _function("objective.f", row.f, values), _function("objective.g", row.g, values)
    loss, link = _loss(rule, f, g, row.orientation, values), _function("link", row.link, values)
    mirrored = None if callable(rule) else _loss(rule, g, f, -row.orientation, values, sign=-1)
    return Game(row, values, written(rule), f, g, loss, link, mirrored)


def written(rule: str | Function) -> str:
    """The text of a formula, or the name of a Python function."""
    return rule if isinstance(rule, str) else str(getattr(rule, "__name__", rule))


def check(objective: Mapping[str, Any], generator_loss: str = "default") -> None:
    """Raise what `resolve` would, and import nothing: a row of the user's own is resolved where it is needed."""
    if own_code.is_location(objective.get("name")):
        for name, value in objective.items():
            if name != "name":
                number(f"objective.{name}", value)
        return
    resolve(objective, generator_loss)


def _own(objective: Mapping[str, Any]) -> Objective:
    """A row made from a custom pair."""
    name = objective.get("name")
    if not isinstance(name, str) or not re.fullmatch("[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(f"objective.name: expected lower-case letters, digits and _, at most 40, got {shown(name)}")
    if name in OBJECTIVES:
        raise ValueError(f"objective.name: expected a name of your own beside f and g, got '{name}', which is built in")
    only("objective", objective, ("name", "f", "g", "generator"))
    for part in ("f", "g"):
        if part not in objective:
            raise ValueError(f"objective.{part}: expected a formula of d, got nothing")
    generator = objective.get("generator", "saturating")
    return Objective(name, objective["f"], objective["g"], generator, "", "the user's", boundary=None)


def _found(place: str) -> Objective:
    """The row at `module:attribute`, which is never called."""
    row = own_code.attribute("objective", place)
    if not isinstance(row, Objective):
        raise TypeError(
            f"objective: expected a trainables.objectives.table.Objective at '{place}', got {type(row).__name__}"
        )
    return row


def _function(key: str, rule: str | Function, values: Mapping[str, float]) -> Function:
    """A formula of d as a function; a function is one already."""
    if callable(rule):
        return rule
    if rule == "d":
        return lambda d: d
    expression = _parsed(key, rule, ("d",), values)
    return lambda d: expression(d=d)


def _parsed(key: str, text: str, variables: tuple[str, ...], values: Mapping[str, float]) -> Expression:
    try:
        return parse(text, variables, values)
    except ExpressionError as error:
        raise ExpressionError(f"{key}: {error}") from None


def _loss(
    rule: str | Function,
    f: Function,
    g: Function,
    orientation: int,
    values: Mapping[str, float],
    sign: int = 1,
) -> Function:
    if rule == "saturating":
        return g
    if rule == "non_saturating":
        return lambda d: -f(d)
    if rule == "critic_mean":
        return lambda d: -orientation * d
    if callable(rule):
        return rule
    if (
        not isinstance(rule, str)
        or re.fullmatch("[a-z]+_?[a-z]{2,}", rule)
        or re.sub("[- ]", "_", rule.strip().lower()) in GENERATOR_LOSSES
    ):
        choice("generator_loss", rule, GENERATOR_LOSSES)
    formula = _parsed("generator_loss", rule, ("d", "f", "g"), values)
    return lambda d: formula(d=sign * d, f=f(d), g=g(d))
