"""Configurations that a report offers to paste are those that were trained, whatever a study searches."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.record.loading import load
from analysis.report.chosen import snippet
from analysis.results.chosen import ELSEWHERE, SECTIONS, Chosen, chosen
from analysis.results.selection import select
from analysis.statistics.bootstrap import Resampling
from analysis.statistics.intervals import Interval
from study.config import loading, strict_yaml
from study.config.arms import corners
from study.config.plan import StudyPlan
from study.ledger.entries import Ended, Planned, Result, Session
from study.ledger.journal import Journal
from study.record.build import build_record
from study.search.trials import confirm_trial, search_trial
from trainables.spec import HYPERPARAMETERS, Spec

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("**/*.yaml"))
STUDIES = [path for path in CONFIGS if "\nbudget: " in path.read_text(encoding="utf-8")]
ODD: dict[str, Any] = {  # lists, mappings and nulls that are drawn, whole numbers beside fractions, one's own formulas
    "study": "odd",
    "data": "ring",
    "budget": {"steps": 20, "evaluations": 2},
    "scientific": {
        "objective": ["hinge", {"name": "mine", "f": "min(0, d - 1)", "g": "-log(1 + exp(d))", "generator": "-f"}],
        "generator_loss": ["default", "-1e-4*d"],
        "penalty": [
            "none", {"name": "r1", "weight": {"log_uniform": [0.1, 10.0]}}, {"name": "clip", "bound": 1},
        ],
    },
    "nuisance": {
        "batch_size": {"choice": [8, 16]},
        "generator": {"hidden": {"choice": [[8], [16, 8], []]}, "weight_std": {"choice": [None, 0.02]}},
        "critic": {"choice": [{"hidden": [8]}, {"activation": "maxout", "pieces": 3, "batch_norm": True}]},
        "critic_steps": {"int_uniform": [1, 5]},
        "generator_lr": {"log_uniform": [1e-5, 1e-2]},
        "ema": {"choice": [0, 0.999]},
    },
    "fixed": {"beta1": 0},
    "confirm": {"top": 1, "replicas": 2},
}  # fmt: skip
UNLIKE: dict[str, Any] = {  # what is equal depends on a batch and networks that no single block has
    "study": "unlike",
    "data": "ring",
    "scientific": {"penalty": ["none", "r1"], "critic": [{"hidden": [8]}, {"hidden": [32]}]},
    "nuisance": {"batch_size": {"choice": [8, 16]}, "critic_steps": {"choice": [1, 3]}},
    "confirm": {"top": 1, "replicas": 2},
}
ODD_TEXTS = ("1e-4", "0o17", "yes", "null", "~", "[8]", "a: b", "# a", "1", "-", "2024-01-01", "<<", "=")


def read(spec: Spec) -> dict[str, Any]:
    """What a specification trains by: its settings without those that nothing reads."""
    return {name: value for name, value in spec.to_dict().items() if name not in spec.idle}


def record_of(folder: Path, plan: StudyPlan, most: int | None = None) -> dict[str, Spec]:
    """Write the record of a study in which all corners of every arm's space, or the first, were trained and confirmed.

    Returns the specification of each confirming trial.
    """
    journal, specs = Journal.open(folder), {}
    config = plan.config.resolved()
    config["confirm"]["top"] = config["search"]["trials_per_arm"] = 1000  # none is beaten by another
    journal.append(Session(config=config))
    metric = plan.config.search.metrics[0]
    for arm in plan.arms:
        for index, values in enumerate(islice(corners(arm.space), most)):
            planned = search_trial(plan.config, arm, index, values)
            journal.append(planned, *ending(planned, metric))
            champion = journal.state.trials["search", arm.name, 0, index, 0]
            confirming = confirm_trial(plan.config, champion)
            journal.append(confirming, *ending(confirming, metric))
            specs[confirming.trial_id] = Spec.from_dict(planned.spec)
    journal.close()
    build_record(folder)
    return specs


def ending(planned: Planned, metric: str) -> tuple[Result, Ended]:
    about: dict[str, Any] = {"phase": planned.phase, "arm": planned.arm, "index": planned.index}
    count, step = len(planned.seeds), planned.spec["steps"]
    columns = {metric: [0.0] * count, "diverged": [False] * count}
    return (
        Result(**about, step=step, wall_time=1.0, columns=columns, seeds=planned.seeds),
        Ended(**about, status="completed", message="", outcomes=["converged"] * count, scores=[0.0] * count),
    )


def chosen_of(folder: Path, plan: StudyPlan) -> tuple[Chosen, ...]:
    record = load(folder)
    phases = select(record, "search"), select(record, "confirm")
    return chosen(*phases, plan.config.search.metrics[0], resampling=Resampling(np.random.default_rng(0), 2))


def pasted(plan: StudyPlan, block: str) -> Spec:
    """The specification that the study trains with the block in place of its three sections."""
    kept = {key: value for key, value in plan.config.resolved().items() if key not in SECTIONS}
    again = loading.build({**kept, **strict_yaml.parse(block, "pasted")})
    (arm,) = again.arms
    assert not arm.space
    return Spec.from_dict(search_trial(again.config, arm, 0, {}).spec)


@pytest.mark.parametrize("path", [*STUDIES, None], ids=[*(path.stem for path in STUDIES), "odd"])
def test_a_pasted_block_is_the_very_specification_that_was_trained(path: Path | None, tmp_path: Path) -> None:
    plan = loading.build(ODD) if path is None else loading.load(path)
    specs = record_of(tmp_path, plan, most=None if path is None else 2)
    found = chosen_of(tmp_path, plan)
    assert {one.trial_id for one in found} == specs.keys()
    for one in found:
        assert read(pasted(plan, snippet(one))) == read(specs[one.trial_id]), one.trial_id


@pytest.mark.parametrize("equal", ["updates", "samples", "arithmetic"])
def test_a_pasted_block_takes_the_steps_that_it_took(equal: str, tmp_path: Path) -> None:
    plan = loading.build({**UNLIKE, "budget": {"steps": 200, "evaluations": 2, "equal": equal}})
    specs = record_of(tmp_path, plan)
    assert (len({spec.steps for spec in specs.values()}) > 1) == (equal != "updates")
    for one in chosen_of(tmp_path, plan):
        assert read(pasted(plan, snippet(one))) == read(specs[one.trial_id]), one.trial_id


def test_every_hyperparameter_that_is_read_is_written_out_and_nothing_else(tmp_path: Path) -> None:
    models = [
        {"model": ["gan"], "optimizer": ["adam", "rmsprop"]},
        {"model": ["matching", "vae", "cyclegan", "oracle"]},
    ]
    plan = loading.build({**ODD, "scientific": models, "fixed": {"lookahead": 2}})
    specs, written = record_of(tmp_path, plan, most=1), dict[str, set[str]]()
    for one in chosen_of(tmp_path, plan):
        written[one.arm] = {*strict_yaml.parse(snippet(one), "pasted")["fixed"]}
        assert written[one.arm] == {*HYPERPARAMETERS, "batch_size"} - specs[one.trial_id].idle.keys()
    assert written["oracle"] == {"model", "batch_size"}
    assert written["gan-adam"] - written["gan-rmsprop"] == {"beta1"}
    assert {*HYPERPARAMETERS} - written["gan-adam"] == {"conditioning", "source", "cycle_weight", "identity_weight"}
    assert {*HYPERPARAMETERS} - written["cyclegan"] == {"conditioning", "latent", "latent_dim"}
    assert {*ELSEWHERE, *HYPERPARAMETERS} == set(Spec.__dataclass_fields__)


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    plan = loading.build({**ODD, "nuisance": {"batch_size": {"choice": [8]}, "generator_lr": {"uniform": [0.1, 0.3]}}})
    arm = plan.arms[0]
    planned = search_trial(plan.config, arm, 0, {"batch_size": 8, "generator_lr": 0.1 + 0.2})
    journal = Journal.open(tmp_path)
    journal.append(Session(config=plan.config.resolved()), planned, *ending(planned, plan.goal.metrics[0]))
    journal.close()
    build_record(tmp_path)
    (one,) = chosen_of(tmp_path, plan)
    assert "generator_lr: 0.30000000000000004\n" in snippet(one)


@pytest.mark.property
@given(st.one_of(st.text(max_size=200), st.sampled_from(ODD_TEXTS)))
def test_any_text_is_read_back_as_it_was(text: str) -> None:
    none = Interval(np.nan, np.nan, np.nan, 0, "", "seeds")
    settings = {"scientific": {"objective": {"name": text, "f": [text, 1e-5, True, 3]}}, "fixed": {"latent": text}}
    block = snippet(Chosen("a", 0, "confirm-a-0000", "confirm", "fid", "min", none, 1, 0.0, {}, settings))
    assert strict_yaml.parse(block, "block") == {"fixed": {**settings["scientific"], **settings["fixed"]}}
