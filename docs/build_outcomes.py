"""`python -m docs.build_outcomes`: draws docs/pictures/outcomes.svg, a typical training for each outcome.

The trainings are those that were labelled by eye (`benchmarks/labelled`). Of the rings of a label that the rule gives
too, it is the one in the middle by its share of good samples at the end; grids and digits where there is no such ring.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis import figures
from analysis.figures.style import rendered
from analysis.record.schema import OUTCOMES
from analysis.results.replica import ReplicaCurves, replica_curves
from benchmarks.outcome_rule import DEVELOPMENT, labelled

PICTURE = Path(__file__).parent / "pictures" / "outcomes.svg"


def examples() -> dict[str, ReplicaCurves]:
    """An example of each outcome that some replica has by eye and by the rule, in the order of `OUTCOMES`."""
    found: dict[str, ReplicaCurves] = {}
    for data in ("ring", "grid", "digits"):
        alike = pd.concat([_alike(study) for study in DEVELOPMENT if study.split("-")[0] == data])
        for name, of_it in alike.sort_values("quality", kind="stable").groupby("label", sort=False):
            middle = of_it.iloc[len(of_it) // 2]
            if name not in found:
                record, _, _ = labelled(middle["set"])
                found[name] = replica_curves(record, _row(record.trials, middle["trial_id"], middle["seed"]))
    return {name: found[name] for name in OUTCOMES if name in found}


def _alike(study: str) -> pd.DataFrame:
    """The labels of a set that the rule gives too, with its name, `set`, and the `quality` of the last samples."""
    record, labels, judged = labelled(study)
    keys = ["study", "trial_id", "seed"]
    both = labels.merge(judged[[*keys, "outcome"]].astype({"outcome": "object"}), on=keys)
    alike = both[both["label"] == both["outcome"]]
    quality = record.trials.set_index(keys)["high_quality"].reindex(alike[keys])
    return alike.assign(set=study, quality=quality.to_numpy())


def _row(trials: pd.DataFrame, trial_id: str, seed: int) -> pd.Series:
    return trials[(trials["trial_id"] == trial_id) & (trials["seed"] == seed)].iloc[0]


if __name__ == "__main__":
    PICTURE.write_bytes(rendered(figures.typical_curves(examples()), "svg"))
