"""Is the rule of outcomes right? For perfect generators, families of known outcome, and curves judged by eye.

    python -m benchmarks outcome_rule

The curves judged by eye stand in `benchmarks/labelled`: real trainings, labelled from pictures by two labellers each,
with a third to decide where they disagreed; `HISTORY` says what each set was used for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from analysis.record.curves import Curves
from analysis.record.loading import Record, load
from analysis.record.schema import OUTCOMES
from analysis.results.agreement import Agreement, agreement, cohens_kappa, confusion
from analysis.results.nearness import Floor
from analysis.results.outcomes import judge, judge_record
from analysis.statistics.bootstrap import Resampling
from benchmarks.comparison import provenance
from benchmarks.outcome_families import EVALUATIONS, FAMILIES, SETTINGS, ring, verdicts_of
from trainables import data as data_sets
from trainables.metrics.classifier import train_classifier
from trainables.metrics.evaluator import Evaluator
from trainables.spec import Spec
from trainables.training import Training

TITLE = "Whether the rule of outcomes is right"
HISTORY = """\
How the labels were used: two labellers saw pictures and no verdict, and a third decided where they
differed. Five former rules were each measured once on trainings that they had not been made by, which then
went into the next: kappa .72 [.58, .83] on 72, .66 [.53, .77] on 88, .73 [.62, .83] on 92, of these
.85 on 48 of settings that a study would search and .57 on 44 of wild ones (rates over two decades, half
without a penalty), .70 [.56, .82] on 68 drawn from the ranges of shipped configurations, and .78 [.65, .90]
on 69 of these with 24 or 25 evaluations each. The present rule was made with all 509 in view, so that the
table of these flatters it. With six thresholds chosen anew without each of the eight batches in turn, kappa
is .84 (by batch .84, .85, .70, .97, .74, .72, .85 and .85). Rings have .84, grids .85 and digits .73. Of the
69 that it misses a third lie between learning and stalled. The fifth rule, judged by every other evaluation
of the same trainings, had .71.

The present rule, the sixth, was measured once on a sixth batch, 120 trainings that it had not seen, 25 evaluations
each, by a way of drawing that was written down before any was trained: kappa .71 [.61, .80], agreement 78 % [69, 84];
the two labellers had .93 and 95 %. Asked was .8: it is not reached. By the two parts of the draw: 48 with the ranges
of quickstart.yaml and quickstart_digits.yaml and longer budgets (ring-10, grid-10, digits-10) .87 [.74, .97], 92 %
[80, 97]; 72 with the arms of ring.yaml and digits_cgan.yaml and rates three times as high (ring-11, grid-11,
digits-11) .60 [.46, .73], 68 % [57, 78]. Of the 48, 41 are converged or learning by eye: the other outcomes are tested
by the 72, hardly by them.

Known to be wrong, of the 27 of these that it misses: six digits that are learning by eye are called converged (on three
of them the labellers differed, and one of the two said converged); five rings and grids that have stalled by eye
are called oscillating, all with the high rates. Of 18 called oscillating nine are by eye, of 12 called hopping
seven; of the three that are collapsed by eye none is called so.

What the curves can tell at all was asked afterwards, on all 629 in eight batches, each left out in turn: six
classifiers (scikit-learn's) of 549 features, or of the curves themselves, have .74 to .79 (boosting .79, a forest
.76, logistic regression .74), the mean of their probabilities .79 [.75, .82]. Trained on earlier sets alone, as the
rules were made, that mean has .70 where the second rule had .66, and .86 (.73), .66 (.70), .76 (.78) and .81 (.71)
where the third to the sixth had the figures in brackets; pooled .78 [.73, .82]. With a quarter, a half and all of
the labels, boosting of the rule's own signals has .71, .74 and .77. Of the 103 that the mean misses 24 lie between
learning and stalled, 16 between converged and learning, 15 between oscillating and stalled, 10 between learning
and oscillating; of the rule's 96, 24, 13, 11 and 12. All six miss 45 of the rule's 96. Of the 36 on which the
labellers differed the mean has 15 right, the rule 18.

Can the rule be mended? With five thresholds chosen anew without each of the eight batches it has .81 (.80 as it
is), and .72 on the sixth; its form was made with seven of the eight in view, which flatters it, as .84 did before
the sixth. Conditions on any of the 549 features, the best on the other batches added one by one, take away: .79
with one, two or three, .78 with four. Two changes, thought of with all errors in view, are chosen all
eight times: that replicas near the data learn also if the judged metric falls at nearly every evaluation of the
tail (Kendall's tau of .85), and a `hop_rate` of .25. They mend ten and spoil one, .82 for .80 and .76 for .71 on
the sixth; for the first speak two sets of digits alone. Nor do fewer outcomes help: with learning and stalled taken
for one the rule has .82 on all and .70 on the sixth.

These two changes were then made, the rule with them committed, and a seventh batch drawn by a way written down
before any was trained: 121, every arm of four shipped studies with the ranges as shipped. Kappa .69 [.58, .79],
where .82 was hoped for: the changes took .03 away. They were undone, so that the sixth rule, as it had been frozen
before the sixth batch, has by now been measured on two batches that it had not seen. On the seventh: kappa .72 [.61,
.81], agreement 81 % [73, 87]; rings .79 [.63, .93], grids .61 [.43, .79], digits .69 [.45, .89]; the ranges of the
quickstarts .76 [.62, .90], of ring.yaml and digits_cgan.yaml .69 [.52, .83], of beginning.yaml .58 [.28, .85]. On
both together, 241 trainings: .72 [.65, .78].

The two labellers of the seventh batch agree in 83 %, a kappa of .74 [.64, .83], not .93: most of 21 differences lie
between learning and converged (six, all digits) and between stalled and what is next to it. With either labeller
alone the rule has .70 [.60, .80] and .75 [.65, .84], so it agrees with them as they do with each other. On the 100
on which they agree it has .84 [.75, .93], on the 21 others .22. Where eyes differ like this no rule can be expected
to reach .8; on the sixth batch, where they did not, it has .73 and .69 with either.

All this was said of the rule as frozen. Afterwards two of its signals were changed for a reason that is no label: one
evaluation with all modes made a collapsed replica of twenty evaluations learning, and one on a single mode a
converged one hopping. What is ahead is told by the median of the end in place of its mean, and the hop rate leaves
the evaluation out that most mass visits and leaves again. Kappa has since been .82 on the 509, for .83 before, and
.73 on the 241, for .72; on the 100 on which the labellers of the seventh batch agree .86 [.77, .94] for .84, on the
214 of both batches .80 [.73, .86] for .78 [.71, .84]. To leave the oddest evaluation out of swings as well makes it
.80 on the 509 and .72 on the 241, out of progress .77 and .67; to leave the last alone out of progress .81 and .72, out
of swings as well no more; the median of the slopes between every two evaluations in place of the line .82 and .71. None
of this was done, and one evaluation can still make a swing, also of a replica that was learning until its last. That a
hop to the last evaluation alone is none, of which a tail of five made hopping, changes no verdict on the 750. The
families "once" have one such evaluation among the last eight of twenty."""
LABELLED = Path(__file__).with_name("labelled")
DEVELOPMENT = (
    "ring", "grid", "digits", "ring-2", "grid-2", "digits-2", "ring-3", "digits-3",
    "ring-4", "grid-4", "digits-4", "ring-5", "grid-5", "digits-5",
    "ring-6", "grid-6", "digits-6", "ring-7", "grid-7", "digits-7",
    "ring-8", "grid-8", "digits-8", "ring-9", "grid-9", "digits-9",
)  # fmt: skip
FRESH = (
    "ring-10", "grid-10", "digits-10", "ring-11", "grid-11", "digits-11",
    "ring-12", "ring-13", "ring-14", "grid-12", "grid-13", "grid-14", "digits-12", "digits-13",
)  # fmt: skip
SETS = {"the trainings the rule was made by": DEVELOPMENT, "trainings drawn after the rule was frozen": FRESH}
STUDIES = tuple(study for studies in SETS.values() for study in studies)
REPLICAS = 200
ORACLES: dict[str, dict[str, Any]] = {
    "ring": {},
    "grid": {},
    "gaussian": {},
    "digits": {"features": "classifier", "samples": 1000},
}


def section(keep_picture: bool) -> str:  # noqa: ARG001
    """Judge all of them; Markdown."""
    torch.set_num_threads(1)
    rows = [_row(f"perfect samples of {name}", "converged", oracle(name, REPLICAS)) for name in ORACLES]
    data = ring()
    evaluator = Evaluator(data, SETTINGS)
    floor = floor_of(evaluator)
    for seed, (name, family) in enumerate(FAMILIES.items()):
        rows.append(_row(name, family.outcome, verdicts_of(family, evaluator, floor, REPLICAS, seed)))
    heads = "| replicas | should be | are | what the others are |\n|---|---|---|---|"
    return "\n\n".join(
        [
            f"## {TITLE}",
            f"{provenance()} {REPLICAS} replicas each, {EVALUATIONS} evaluations, thresholds by default.",
            "\n".join([heads, *rows]),
            HISTORY,
            *by_eye(),
            "",
        ]
    )


def oracle(name: str, replicas: int, seed: int = 0) -> NDArray[np.str_]:
    """The outcomes (replicas,) of perfect generators of a data set: `model: oracle`, by study's own evaluator."""
    data = data_sets.load(name)
    settings = SETTINGS | ORACLES[name]
    classifier = train_classifier(data, 0) if data.images else None
    evaluator = Evaluator(data, settings, classifier=classifier)
    spec = Spec(data={"name": name}, model="oracle", steps=EVALUATIONS, evaluations=EVALUATIONS, batch_size=1)
    training = Training(spec, range(seed, seed + replicas), data=data, evaluator=evaluator)
    found = [training.advance().columns for _ in range(EVALUATIONS)]
    values = {key: np.moveaxis(np.array([one[key] for one in found], np.float64), 0, 1) for key in found[0]}
    steps = np.tile(np.arange(1, EVALUATIONS + 1), (replicas, 1))
    return judge(Curves(steps, np.full(replicas, EVALUATIONS), values), "completed", floor_of(evaluator))


def floor_of(evaluator: Evaluator) -> Floor:
    """The evaluator's floor, as outcomes are judged by it."""
    scores = evaluator.floor(0)
    return Floor(scores.mean, scores.spread)


def labelled(study: str) -> tuple[Record, pd.DataFrame, pd.DataFrame]:
    """The record of one of `STUDIES`, its labels (study, trial_id, seed, label, …), and its verdicts."""
    record = load(LABELLED / study)
    return record, pd.read_csv(LABELLED / study / "labels.csv"), judge_record(record)


def agreed(studies: Sequence[str]) -> Agreement:
    """How the rule agrees with the eye on the replicas of some of `STUDIES`."""
    every = [labelled(study)[1:] for study in studies]
    labels, judged = (pd.concat(parts, ignore_index=True) for parts in zip(*every, strict=True))
    return agreement(labels, judged, resampling=Resampling(np.random.default_rng(0), 10_000))


def between_labellers(studies: Sequence[str]) -> float:
    """Cohen's kappa of the two labellers, which no rule can be expected to exceed by much."""
    labels = pd.concat([labelled(study)[1] for study in studies], ignore_index=True)
    return float(cohens_kappa(confusion(labels["first"], labels["second"])))


def by_eye() -> Sequence[str]:
    """The confusion tables of the sets."""
    found = []
    for words, studies in SETS.items():
        one = agreed(studies)
        kappa = one.kappa
        lead = (
            f"By eye (rows) and by the rule (columns), {words}: n {one.n}, agreement {one.agreement.estimate:.2f},"
            f" Cohen's kappa {kappa.estimate:.2f} [{kappa.low:.2f}, {kappa.high:.2f}]; between two labellers"
            f" {between_labellers(studies):.2f}."
        )
        heads = f"| | {' | '.join(map(str, one.table.columns))} |\n|{'---|' * (len(one.table.columns) + 1)}"
        rows = [f"| {name} | {' | '.join(map(str, row))} |" for name, row in one.table.iterrows()]
        found += [lead, "\n".join([heads, *rows])]
    return found


def _row(name: str, expected: str, outcomes: NDArray[np.str_]) -> str:
    counts = Counter(outcomes.tolist())
    others = ", ".join(
        f"{counts[other] / len(outcomes):.1%} {other}" for other in OUTCOMES if other != expected and counts[other]
    )
    return f"| {name} | {expected} | {counts[expected] / len(outcomes):.1%} | {others} |"
