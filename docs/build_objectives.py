"""`python -m docs.build_objectives`: writes docs/objectives.md from the table of objectives itself, so that it cannot
drift.

Formulas come from the rows of `trainables.objectives.table.OBJECTIVES`; what a pair does is computed by
`trainables.objectives.induced.explain`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import fill

from study.command import objective
from trainables.objectives import induced
from trainables.objectives.expression import CHOOSERS, FUNCTIONS
from trainables.objectives.induced import Explanation
from trainables.objectives.known_divergences import KNOWN
from trainables.objectives.latex import latex
from trainables.objectives.pairing import PAIRINGS, PairingExplanation, explain_pairing
from trainables.objectives.table import GENERATOR_LOSSES, OBJECTIVES, Function, Objective, resolve

PAGE = Path(__file__).parents[1] / "docs" / "objectives.md"

INTRODUCTION = r"""# Objectives

This page is built from the code by `python -m docs.build_objectives`; change `trainables/objectives/table.py` instead.

The critic's output is $`d`$, the data have density $`p`$, the generator $`q`$, and $`r = p/q`$. The critic maximises

```math
F = \mathbb{E}_p f(d) + \mathbb{E}_q g(d),
```

and the generator minimises $`\mathbb{E}_q \ell(d)`$. The pair $`(f, g)`$ decides which divergence the critic
estimates, the loss $`\ell`$ what the generator does with it, and the two are independent choices: `objective` and
`generator_loss` in a configuration.

| `generator_loss` | $`\ell(d)`$ | |
|---|---|---|
| `saturating` | $`g(d)`$ | the zero-sum game |
| `non_saturating` | $`-f(d)`$ | misleading labels: the same fixed point, a strong signal when the critic wins |
| `critic_mean` | $`-d`$ | $`d`$ where a larger $`d`$ means fake |
| a formula | of `d`, `f` and `g` | such as `-f` or `(d - 1)**2/2` |

At every point the best critic and what it attains depend on the density ratio alone:

```math
d^\ast(r) = \arg\max_d \left[ r f(d) + g(d) \right], \qquad
\varphi(r) = \max_d \left[ r f(d) + g(d) \right], \qquad
\sup F = \mathbb{E}_q \varphi(r).
```

$`\varphi`$ is convex, and a divergence up to a constant where it is not linear at $`r = 1`$. The ratio can be read
back from the critic, $`r = -g'(d^\ast)/f'(d^\ast)`$. A step of the generator against the best critic descends the
divergence with second derivative $`-\ell'(d^\ast)\, {d^\ast}'(r)/r`$; where that is negative it descends none.
`ganstudy objective NAME` prints all of this for one objective, `--plot FILE` draws it.
"""

ALPHA = """\
Of `alpha`'s orders below 1 $`f(d)`$ is f-GAN's output activation. Until November 2026 its value was called the critic's
output, and is what records from before then hold: another parametrisation of the same divergence, whose critic differs
from today's by a monotone map. They were trained as today, up to rounding, except under penalties on the critic, with
`critic_mean`, and where an output came above 16.65, from where $`g`$ was infinite; studies with trials of the first two
are not gone on with by `ganstudy resume`.
"""

ESTIMATES = """\
## What the critic estimates, and what the generator descends

Computed from the functions alone, with the default parameters. *Fades* says that the generator's gradient dies as the
critic wins. `wasserstein` is bounded only for a constrained critic, and then an integral probability metric.
"""

DIRAC = r"""## Dirac-GAN

Data at 0, the generator a point at θ, the critic $`d(x) = \psi x`$ (Mescheder et al. 2018). The eigenvalues of the flow
at its equilibrium are $`\pm\sqrt{-g'(0) \ell'(0)}`$, imaginary for every sound pair: it circles, and simultaneous
gradient steps spiral out. With R1 of weight $`\gamma`$ they are
$`-\gamma/2 \pm \sqrt{\gamma^2/4 - g'(0) \ell'(0)}`$, and it converges. 0 says that the slope at $`d = 0`$ vanishes: the
best critic of `least_squares` with its default labels is ½ at equilibrium, which $`\psi x`$ cannot say.
"""

PAIRED = r"""
## Relativistic pairings

`pairing` says what $`f`$ and $`g`$ are applied to, for any pair. With the critic network's output $`C`$ before the
link, real samples $`x`$ and generated samples $`y`$, the critic maximises

| `pairing` | | source |
|---|---|---|
| `independent` | $`\mathbb{E}_p f(C(x)) + \mathbb{E}_q g(C(y))`$ | the default |
| `relativistic` | $`\mathbb{E} \, \psi(C(x) - C(y))`$, $`\psi(t) = (f(t) + g(-t))/2`$ | Jolicoeur-Martineau 2019 |
| `relativistic_average` | $`\mathbb{E}_p f(C(x) - \mathbb{E}_q C) + \mathbb{E}_q g(C(y) - \mathbb{E}_p C)`$ | same |

and the generator minimises its loss, paired likewise; on real samples the loss stands with the roles exchanged, $`f`$
and $`g`$ and the sign of $`d`$. A pair counts as one sample, so that `non_saturating` on pairs has the loss, and a
penalty the weight, that R3GAN's authors (Huang et al. 2024) write. Penalties differentiate $`C`$.

The supremum, less its value at $`p = q`$, is a divergence where no critic finds anything at $`p = q`$, which is also
needed, and a small one gains where $`p`$ and $`q`$ differ. On pairs $`C(x) - C(y)`$ is symmetric at $`p = q`$, so that
the even part of $`\psi`$ must be largest at 0; against means $`f + g`$ must lie below its tangent at 0; and $`f'(0) \ne
g'(0)`$. Concave $`f`$ and $`g`$ suffice for the first (Jolicoeur-Martineau 2020). What the divergence is of $`p`$ and
$`q`$ has no formula: the best critic at a point depends on all others, so that it tells no density ratio, and neither
`ratio_error` nor `bound_gap` is measured. `ganstudy objective NAME --pairing relativistic` says what is known.

*Slope* is what a small critic gains for each unit of $`\mathbb{E}_p C - \mathbb{E}_q C`$.
"""

ORDERS = r"""## Orders of updates

`updates` says in what order the players move, with $`\theta`$ the generator's weights, $`\psi`$ the critic's,
$`w = (\theta, \psi)`$, losses $`L_g`$ and $`L_c`$ that both depend on both, and
$`\xi = (\nabla_\theta L_g, \nabla_\psi L_c)`$. Written for gradient steps $`\eta`$; an optimiser makes a step of its
own of each gradient.

| `updates` | | source |
|---|---|---|
| `alternating` | the critic's $`\psi - \eta \nabla_\psi L_c`$, `critic_steps` times, then the generator's | |
| `simultaneous` | $`w' = w - \eta \xi(w)`$ | |
| `extragradient` | $`w' = w - \eta \xi(w - \eta \xi(w))`$ | Korpelevich 1976; Gidel et al. 2019 |
| `sga` | $`w' = w - \eta (\xi + \lambda A^\top \xi)`$, $`A = (H - H^\top)/2`$ | Balduzzi et al. 2018 |

In `sga` $`H = \partial \xi / \partial w`$, and
$`\lambda = \mathrm{sign}(\langle \xi, \nabla h \rangle \langle A^\top \xi, \nabla h \rangle / d + 1/10)`$ with
$`h = |\xi|^2/2`$ and $`d`$ weights in all, as in the paper and in Letcher et al. 2019; the authors' notebook
(google-deepmind/symplectic-gradient-adjustment) divides by the number of weight tensors, so that $`\lambda`$ is -1 more
often. On the bilinear game $`L_g = -\theta\psi = -L_c`$ a step multiplies the distance from the equilibrium by
$`\sqrt{1 + \eta^2}`$ if simultaneous, by $`\sqrt{1 - \eta^2 + \eta^4}`$ along extragradients, by
$`\sqrt{(1 - \eta)^2 + \eta^2}`$ with `sga`; alternating steps circle.

With `unroll: K` the generator answers the critic that would have learnt from its samples for $`K`$ updates more (Metz
et al. 2017): $`\psi_0 = \psi`$, $`\psi_{k+1}`$ is $`\psi_k`$ after an update along $`\nabla_\psi L_c(\theta, \psi_k)`$,
and $`\theta`$ moves along $`\nabla_\theta L_g(\theta, \psi_K(\theta))`$, through all of them. All is on the generator's
batch. The inner updates are those of the critic's optimiser from its present moments, as in the authors' code; the
critic itself takes its usual step. It is for alternating and simultaneous updates. On the bilinear game simultaneous
gradient steps then multiply the distance by $`\sqrt{1 - (2K - 1) \eta^2}`$ on average.

With `lookahead: k`, whatever the updates, slow weights $`\phi`$ of both players go a share $`\alpha`$,
`lookahead_alpha`, of the way to the weights after every $`k`$ steps, and the weights are put there:
$`w' = \phi' = \phi + \alpha (w - \phi)`$ (Chavdarova et al. 2021, algorithm 1). Optimisers keep their moments. What is
measured are the weights $`w`$, or their average; at multiples of $`k`$ steps $`w = \phi`$. Where a step is a linear map
$`M`$, $`k`$ of them are $`(1 - \alpha) I + \alpha M^k`$ with look-ahead.
"""

OWN = """\
## A pair of your own

```yaml
scientific:
  objective:
    - {{name: mine, f: "-softplus(-d)", g: "-softplus(d)", generator: "-f"}}
```

`ganstudy objective --f "-softplus(-d)" --g "-softplus(d)" --generator -f` explains it before any training. A formula is
made of `d`, numbers, `pi`, `e`, `inf`, the operators `+ - * / **` and the functions
{functions}.
It is parsed and never evaluated as Python. `d` is what a critic gives, any real number: `ganstudy check`, `run` and
`objective` refuse a pair, and a formula for the generator's loss, that is not finite, or has no finite slope, at some
`d` from -50 to 50, in double or single precision. So the textbook's `log(D)` with `D = sigmoid(d)` is
`-softplus(-d)` and its `log(1 - D)` is `-softplus(d)`. They refuse a pair, too, with which no critic gains by telling p
from q, as f = g = d: where one d is the highest of both f and g, sup F is the same for all p and q.

Numbers of the table's rows are looked at in the same way, as `alpha_d: 0.01`, with which `alpha_loss` is too large for
single precision at d = 0.4. What is too large where critics begin, at `d` from -1 to 1, is refused; what is so only
farther out is told, with the `d` from which on: a replica whose critic gets there counts as diverged. So is a formula
of which only a part gets too large, as log(1 + exp(d)) from d = 89 on, where softplus(d) is right.

Functions of tensors go in as a `trainables.objectives.table.Objective` in a
module of your own, whose place is then the objective's name: `objective: [mine.losses:PAIR]`.
"""


def page() -> str:
    """The whole page, as Markdown."""
    rows = list(OBJECTIVES.values())
    explained = {(row.name, loss): induced.explain(row.name, generator_loss=loss) for row in rows for loss in _losses()}
    return "\n".join(
        [
            INTRODUCTION,
            *_formulas(rows),
            *_divergences(),
            *_generators(rows, explained),
            *_dirac(rows, explained),
            PAIRED,
            *_paired(rows),
            ORDERS,
            OWN.format(functions=fill(", ".join(f"`{name}`" for name in [*FUNCTIONS, *CHOOSERS]), 120)),
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """Write the page to the given file, or where it belongs."""
    path = Path(arguments[0]) if arguments else PAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(), encoding="utf-8")
    return 0


Explained = dict[tuple[str, str], Explanation]


def _losses() -> tuple[str, ...]:
    return ("default", *GENERATOR_LOSSES)


def _titles() -> list[str]:
    return ["its own loss", *(f"`{name}`" for name in GENERATOR_LOSSES)]


def _formulas(rows: Iterable[Objective]) -> list[str]:
    lines = [
        "## Formulas",
        "",
        "The generator's loss is the row's own, used where a configuration names none.",
        "",
        *_head("objective", _math("f(d)"), _math("g(d)"), "generator", _math(r"d^\ast(r)"), _math(r"\varphi(r)"),
               _math(r"\sup F"), "source"),
    ]  # fmt: skip
    for title, row in _forms(rows):
        own = f"`{row.generator}`" if row.generator in GENERATOR_LOSSES else _formula(row.generator)
        cells = (title, _formula(row.f), _formula(row.g), own, _formula(row.optimal), _formula(row.phi))
        lines.append(_row(*cells, row.induces.replace("||", "‖"), row.source))
    defaults = (_defaults(row) for row in rows if row.parameters)
    links = (f"`{row.name}` maps the critic's output by {_formula(row.link)}" for row in rows if row.link != "d")
    said = fill(f"Parameters and their defaults: {'; '.join(defaults)}.", 120)
    return [*lines, "", said, f"{'; '.join(links)}.", "", ALPHA]


def _forms(rows: Iterable[Objective]) -> Iterator[tuple[str, Objective]]:
    """Every row under its name, and `alpha`, whose formulas depend on its order, in its other form too."""
    for row in rows:
        yield f"`{row.name}`", row
        if row.name == "alpha":
            yield "the same of orders above 1", resolve({"name": "alpha", "alpha": 2}).objective


def _defaults(row: Objective) -> str:
    return f"`{row.name}` " + ", ".join(f"`{name}: {value:g}`" for name, value in row.parameters.items())


def _divergences() -> list[str]:
    """The names that the next table speaks in."""
    named = [_row(f"`{name}`", _formula(phi)) for name, phi in KNOWN.items()]
    return [
        "## Divergences",
        "",
        r"The divergence of a name below is $`\mathbb{E}_q \varphi(r)`$ with",
        "",
        *_head("divergence", _math(r"\varphi(r)")),
        *named,
        "",
    ]


def _generators(rows: Iterable[Objective], explained: Explained) -> list[str]:
    lines = [ESTIMATES, *_head("objective", "the critic estimates", *_titles())]
    for row in rows:
        every = [explained[row.name, loss] for loss in _losses()]
        lines.append(_row(f"`{row.name}`", objective.estimates(every[0]), *map(_step, every)))
    return [*lines, ""]


def _step(explained: Explanation) -> str:
    return objective.descends(explained) + (" (*fades*)" if explained.saturates else "")


def _dirac(rows: Iterable[Objective], explained: Explained) -> list[str]:
    lines = [DIRAC, *_head("objective", *_titles())]
    for row in rows:
        values = (objective.eigenvalues(explained[row.name, loss]).replace("+-", "±") for loss in _losses())
        lines.append(_row(f"`{row.name}`", *values))
    return [*lines, ""]


def _paired(rows: Iterable[Objective]) -> list[str]:
    lines = _head("objective", "`relativistic`", "slope", "`relativistic_average`", "slope")
    for row in rows:
        found = [explain_pairing(resolve(row), name) for name in PAIRINGS if name != "independent"]
        cells = (cell for one in found for cell in (_best(one), f"{one.slope:.4g}"))
        lines.append(_row(f"`{row.name}`", *cells))
    return [*lines, ""]


def _best(explained: PairingExplanation) -> str:
    kind = "a divergence" if explained.is_divergence else "not shown to be one"
    limits = {True: "", False: ", infinite unless the critic is constrained", None: ", not known to be finite"}
    return f"{kind}{limits[explained.finite]}"


def _formula(rule: str | Function | None) -> str:
    if rule is None:
        return ""
    return _math(latex(rule)) if isinstance(rule, str) else f"`{rule.__name__}`"


def _math(text: str) -> str:
    return f"$`{text}`$"


def _head(*titles: str) -> list[str]:
    return [_row(*titles), "|" + "---|" * len(titles)]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
