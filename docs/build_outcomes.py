"""`python -m docs.build_outcomes`: draws docs/pictures/outcomes.svg, a typical training for each outcome.

The trainings are those that were labelled by eye (`benchmarks/labelled`): of each label the one with the best samples
that the rule judges alike, rings first, as they are the easiest to read.
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
    for study in DEVELOPMENT:
        record, labels, judged = labelled(study)
        keys = ["study", "trial_id", "seed"]
        both = labels.merge(judged[[*keys, "outcome"]].astype({"outcome": "object"}), on=keys)
        alike = both[both["label"] == both["outcome"]]
        quality = record.trials.set_index(keys)["high_quality"]
        best_first = alike.assign(quality=quality.reindex(alike[keys]).to_numpy()).sort_values(
            "quality", ascending=False
        )
        for row in best_first.itertuples():
            if row.outcome not in found:
                replica = _row(record.trials, row.trial_id, row.seed)
                found[row.outcome] = replica_curves(record, replica)
    return {name: found[name] for name in OUTCOMES if name in found}


def _row(trials: pd.DataFrame, trial_id: str, seed: int) -> pd.Series:
    return trials[(trials["trial_id"] == trial_id) & (trials["seed"] == seed)].iloc[0]


if __name__ == "__main__":
    PICTURE.write_bytes(rendered(figures.typical_curves(examples()), "svg"))
