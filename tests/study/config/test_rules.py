from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.record.schema import DERIVED, HIGHER, MEASUREMENTS
from analysis.results.thresholds import EARLIER
from study.config import rules
from study.config.arms import spec_for
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from trainables.training import Training

Build = Callable[..., StudyPlan]
LR = {"log_uniform": [1e-4, 1e-2]}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"nuisance": {"beta1": {"uniform": [0, 0.9]}}, "fixed": {"beta1": 0.5}},
            "fixed.beta1: expected each hyperparameter in one place, got it also as nuisance.beta1",
        ),
        (
            {"scientific": {"beta1": [0.0, 0.5]}, "fixed": {"beta1": 0.5}},
            "fixed.beta1: expected each hyperparameter in one place, got it also as scientific.beta1",
        ),
        (
            {"scientific": [{"beta1": 0.0}, {"beta1": 0.5}], "nuisance": {"beta1": {"uniform": [0, 0.9]}}},
            "nuisance.beta1: expected each hyperparameter in one place, got it also as a key of every entry of sci",
        ),
        (
            {"scientific": [{"name": "a"}, {"beta": 0.5}]},
            "scientific.1.beta: unknown hyperparameter; the nearest valid",
        ),
        (
            {"budget": {"steps": 20}, "scientific": [{"batch_size": 8}, {"name": "a"}]},
            "budget.batch_size: expected a value here or under scientific, nuisance or fixed, got none for entry 1 of",
        ),
        (
            {"fixed": {"batch_size": 4}},
            "fixed.batch_size: expected each hyperparameter in one place, got it also as budget.",
        ),
        ({"budget": {"steps": 20}}, "budget.batch_size: expected a value here or under scientific, nuisance or fixed"),
        ({"data": {"name": "rng"}}, "data.name: expected one of gaussian, ring"),
        ({"data": {"name": "ring", "mods": 3}}, "data.mods: no such setting of ring"),
        ({"data": {"name": "ring", "modes": 0}}, "data.modes: expected a whole number from 1 to 10,000, got 0"),
        (
            {"data": {"name": "ring", "points": 5}},
            "data.points: expected at least 6 points to train on, as evaluation.",
        ),
        (
            {"data": {"name": "ring", "points": 15}, "measure": ["kernel"]},
            "data.points: expected at least 20 points to train on, as measure kernel compares 10 blocks of",
        ),
        ({"data": {"name": "line", "heldout": 9}}, "data.heldout: expected at least 10 held-out points, as the floor"),
        (
            {"data": "gaussian", "scientific": {"model": ["cgan"]}},
            "scientific.model: expected gan on unlabelled data, got cgan",
        ),
        (
            {"evaluation": {"features": "inception"}},
            "evaluation.features: expected raw, as 'ring' has no images, got 'incep",
        ),
        ({"evaluation": {"classifier": "/nowhere"}}, "evaluation.classifier: expected a file, found none at /nowhere"),
        (
            {"data": "digits", "measure": ["infinity"], "evaluation": {"samples": 100}},
            "evaluation.samples: expected more than 3 times the 64 features for measure infinity, got 100",
        ),
        ({"measure": ["kernal"]}, "measure: unknown group 'kernal'; did you mean 'kernel'?"),
        (
            {"search": {"metric": "fidd"}},
            "search.metric: expected what is measured here, got 'fidd'; the nearest is 'fid'",
        ),
        (
            {"search": {"metric": "label_fidelity"}},
            "search.metric: expected what is measured here, got 'label_fidelity'",
        ),
        (
            {"data": "dirac", "scientific": {"model": ["dirac"]}},
            "search.metric: expected one of dirac_agreement, dirac_converged, as fid, which null stands for, is not"
            " measured here, got null (arm dirac)",
        ),
        (
            {"data": "dirac", "scientific": {"model": ["dirac"]}, "search": {"metric": "fid"}},
            "search.metric: expected what is measured here, got 'fid'",
        ),
        ({"search": {"metric": "kid"}}, "search.metric: expected what is measured here, got 'kid'"),
        ({"search": {"mode": "lowest"}}, "search.mode: expected min or max, got 'lowest'"),
        ({"search": {"mode": "max"}}, "search.mode: expected min, as mass_js is better so, got max"),
        ({"search": {"metric": "coverage"}}, "search.mode: expected max, as coverage is better so, got min"),
        (
            {"search": {"metric": ["fid", "modes"]}},
            "search.metric: expected nsga2 where there are several, sampler tpe",
        ),
        (
            {"search": {"sampler": "nsga2"}},
            "search.metric: expected two or more metrics for sampler nsga2, got mass_js",
        ),
        (
            {"search": {"sampler": "nsga2", "metric": ["fid", "modes"], "mode": ["min", "max", "min"]}},
            "search.mode: expected one, or one for each of",
        ),
        (
            {"search": {"sampler": "gp", "multivariate": False}},
            "search.multivariate: expected true, its default, with sampler gp, got false",
        ),
        (
            {"search": {"sampler": "nsga2", "metric": ["fid", "fid"]}},
            "search.metric: expected each metric once, got fid, fid",
        ),
        (
            {"search": {"sampler": "cmaes"}, "nuisance": {"generator_lr": LR, "critic_steps": {"choice": [1, 2]}}},
            "search.sampler: expected numeric spaces, two or more, for cmaes, got critic_steps (arm single)",
        ),
        (
            {"search": {"sampler": "cmaes"}, "nuisance": {"generator_lr": LR}},
            "for cmaes, got generator_lr (arm single)",
        ),
        (
            {"scheduler": {"name": "asha", "grace": 21}},
            "scheduler.grace: expected at most budget.evaluations = 20, got 21",
        ),
        (
            {"scheduler": "asha", "search": {"sampler": "nsga2", "metric": ["fid", "modes"], "mode": ["min", "max"]}},
            "scheduler.name: expected none with several metrics, got asha",
        ),
        (
            {"outcomes": {"metric": "reverse_kl"}},
            "outcomes.metric: expected one of mass_js, fid, kid, mmd, whose sampling noise is known, or null, got"
            " 'reverse_kl'",
        ),
        (
            {"outcomes": {"metric": "kid"}, "measure": ["sliced"]},
            "one of mass_js, fid, whose sampling noise is known, or null, got 'kid' (arm single)",
        ),
        (
            {"data": "digits", "outcomes": {"metric": "mass_js"}, "measure": ["kernel"]},
            "one of fid, kid, mmd, whose sampling noise is known, or null, got 'mass_js' (arm single)",
        ),
        (
            {"search": {"diverged_at_most": 0.2, "sampler": "cmaes"}},
            "search.diverged_at_most: expected null with sampler cmaes, which knows no constraints, got 0.2",
        ),
        (
            {"search": {"diverged_at_most": 0.1}},
            "search.diverged_at_most: expected 0 or at least 0.125, as less than one of 8 replicas is none, got 0.1",
        ),
        (
            {"search": {"diverged_at_most": 0.4}, "replicas": 2},
            "search.diverged_at_most: expected 0, as less than one of 2 replicas is none, got 0.4",
        ),
        (
            {"search": {"diverged_at_most": 0.33}, "replicas": 3},
            "search.diverged_at_most: expected 0 or at least 0.3334, as less than one of 3 replicas is none, got 0.33",
        ),
        ({"resources": {"gpu": 1.5}}, "resources.gpu: expected a fraction of one or a whole number, got 1.5"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(least: Build, sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        least(**sections)


def test_any_metric_of_known_noise_may_be_judged(least: Build) -> None:
    for metric in (None, "mass_js", "fid"):
        assert least(outcomes={"metric": metric}).config.outcomes.metric == metric
    for metric in ("kid", "mmd"):
        assert least(outcomes={"metric": metric}, measure=["kernel"]).config.outcomes.metric == metric


def test_what_goes_together_passes(least: Build) -> None:
    least(search={"sampler": "cmaes"}, nuisance={"generator_lr": LR, "critic_lr": LR})
    least(search={"sampler": "nsga2", "metric": ["fid", "modes"], "mode": ["min", "max"]})
    least(search={"metric": "label_fidelity", "mode": "max"}, scientific={"model": ["cgan"]})
    least(search={"metric": "loss_critic", "mode": "max"})
    least(scheduler={"name": "asha", "grace": 2}, resources={"gpu": 2})


@pytest.mark.parametrize(
    ("data", "model", "measure"),
    [
        ("ring", "gan", []),
        ("ring", "cgan", ["sliced"]),
        ("gaussian", "gan", ["kernel"]),
        ("digits", "gan", []),
        ("sixteen", "gan", ["divergences"]),
    ],
)
def test_a_metric_is_accepted_where_training_brings_it(least: Build, data: str, model: str, measure: list[str]) -> None:
    few = {} if data == "digits" else {"points": 1000, "heldout": 200}
    evaluation = {"samples": 100, "neighbour_samples": 100}
    sections = {
        "scientific": {"model": [model]},
        "data": {"name": data, **few},
        "measure": measure,
        "evaluation": evaluation,
    }
    plan = least(**sections)
    (arm,) = plan.arms
    measured = Training(spec_for(plan.config, arm, {}), [0]).advance().columns
    modes = {"modes", "modes_held", "modes_covered", "reverse_kl", "mode_js"}
    of_classifier = modes if data == "digits" else set()  # trained when a study starts
    for column in MEASUREMENTS:
        if column in DERIVED or column.name.endswith(("_low", "_high")):
            continue
        if column.name in {*rules.DIAGNOSTICS, "fid_error", "mass_js_error"}:
            with pytest.raises(ConfigError, match=r"search\.metric: expected what is measured here"):
                least(**sections, search={"metric": column.name})
            continue
        mode = "max" if column.name in HIGHER else "min"
        search = {"metric": column.name, "mode": mode}
        if column.name in measured or column.name in of_classifier:
            least(**sections, search=search)
        else:
            with pytest.raises(ConfigError, match=r"search\.metric: expected what is measured here"):
                least(**sections, search=search)


def test_directions_are_given_for_columns_of_the_record() -> None:
    assert {column.name for column in MEASUREMENTS} >= HIGHER


@pytest.mark.parametrize(
    ("data", "metric"), [("ring", "mass_js"), ("sixteen", "mass_js"), ("gaussian", "fid"), ("digits", "fid")]
)
def test_the_metric_searched_for_suits_the_data(least: Build, data: str, metric: str) -> None:
    plan = least(data=data)
    assert (plan.goal.metrics, plan.goal.modes) == ((metric,), ("min",))
    assert plan.config.resolved()["search"]["metric"] == metric
    assert least(data=data, search={"metric": None}) == plan
    assert least(data=data, search={"metric": "precision", "mode": "max"}).goal.metrics == ("precision",)


@pytest.fixture
def points(tmp_path: Path) -> dict[str, Any]:
    """Data of the user's own, in the plane."""
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(200, 2)))
    return {"name": "arrays", "path": str(tmp_path / "points.npy")}


def test_own_points_are_searched_by_what_sees_more_than_mean_and_covariance(
    least: Build, points: dict[str, Any]
) -> None:
    plan = least(data=points, nuisance={"generator_lr": LR})
    assert (plan.goal.metrics, plan.goal.modes) == (("coverage",), ("max",))
    assert rules.warnings(plan) == []
    assert least(data=points, evaluation={"features": {"module": "my:features"}}).goal.metrics == ("fid",)
    with pytest.raises(ConfigError, match=r"search\.mode: expected max, as coverage is better so, got min"):
        least(data=points, search={"mode": "min"})


def test_fid_of_raw_points_of_no_known_distribution_is_noted(least: Build, points: dict[str, Any]) -> None:
    for data in (points, "line"):
        (note,) = rules.warnings(least(data=data, search={"metric": "fid"}, nuisance={"generator_lr": LR}))
        assert note == (
            "search.metric: fid sees neither sample quality nor coverage of the data (in raw features fid sees only"
            " mean and covariance); coverage sees both"
        )


@pytest.mark.parametrize(
    ("sections", "note"),
    [
        (
            {"search": {"metric": "fid"}},
            "fid sees neither sample quality, nor coverage of the data, nor the balance between modes (in raw",
        ),
        ({"search": {"metric": "fid"}}, "(in raw features fid sees only mean and covariance); mass_js sees all three"),
        ({"search": {"metric": "mode_js"}}, "mode_js does not see sample quality; mass_js does"),
        (
            {"search": {"metric": "loss_critic"}},
            "loss_critic sees neither sample quality, nor coverage of",
        ),
        ({"data": "digits", "search": {"metric": "fid"}}, "covariance); fid with evaluation.features: classifier sees"),
        (
            {"data": "digits", "evaluation": {"features": "classifier"}, "search": {"metric": "recall", "mode": "max"}},
            "recall sees neither sample quality nor the balance between modes; fid sees both",
        ),
        (
            {"data": "gaussian", "search": {"metric": "precision", "mode": "max"}},
            "precision does not see coverage of the data; fid does",
        ),
    ],
)
def test_a_search_by_a_metric_that_misses_something_is_noted(least: Build, sections: dict[str, Any], note: str) -> None:
    (found,) = rules.warnings(least(nuisance={"generator_lr": LR}, **sections))
    assert found.startswith("search.metric: ")
    assert note in found


def test_repeats_of_what_is_not_searched_are_noted_as_copies(least: Build) -> None:
    search, confirm = {"trials_per_arm": 1, "repeats": 3}, {"top": 1, "replicas": 4}
    assert rules.warnings(least(search=search)) == []
    alike = "nothing is searched, so that all 3 repeats confirm the same configuration on the same seeds: single"
    assert rules.warnings(least(search=search, confirm=confirm)) == [alike]
    assert rules.warnings(least(search=search, confirm=confirm, nuisance={"generator_lr": LR})) == []
    several = rules.warnings(least(search={**search, "trials_per_arm": 2}, confirm=confirm))
    assert several == ["nothing is searched, so that all 2 trials of a repeat are the same: single", alike]


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"data": "gaussian"},
        {"data": "digits", "evaluation": {"features": "classifier"}},
        {"search": {"sampler": "nsga2", "metric": ["precision", "recall", "mode_js"], "mode": ["max", "max", "min"]}},
    ],
)
def test_a_search_that_sees_all_is_not_noted(least: Build, sections: dict[str, Any]) -> None:
    assert rules.warnings(least(nuisance={"generator_lr": LR}, **sections)) == []


def test_a_metric_that_chooses_nothing_is_not_noted(least: Build) -> None:
    (note,) = rules.warnings(least(search={"metric": "fid"}))
    assert note.startswith("nothing is searched")


def test_a_floor_of_fewer_points_than_a_generators_samples_is_noted(least: Build) -> None:
    data, lr = {"name": "swiss_roll", "heldout": 250}, {"nuisance": {"generator_lr": LR}}
    few = [note for note in rules.warnings(least(data=data, **lr)) if "data.heldout" in note]
    assert len(few) == 1
    assert few[0].startswith("data.heldout: real data are measured on 250 points, a generator on 2,500 samples")
    for same in ({"data": data, "evaluation": {"samples": 250}}, {"data": {**data, "heldout": 2500}}):
        assert not [note for note in rules.warnings(least(**same, **lr)) if "data.heldout" in note]
    assert rules.warnings(least(data={"name": "ring", "heldout": 250}, **lr)) == []  # fresh points are drawn of it


def test_what_is_rarely_meant_is_noted(least: Build) -> None:
    assert rules.warnings(least(nuisance={"generator_lr": LR})) == []
    assert rules.warnings(least()) == ["nothing is searched, so that all 20 trials are the same: single"]
    objectives = {"scientific": {"objective": ["wasserstein", "hinge"], "penalty": ["r1", "spectral_norm"]}}
    (note,) = rules.warnings(least(**objectives, nuisance={"generator_lr": LR}))
    assert note.startswith("wasserstein needs a critic of bounded slope")
    assert note.endswith("or spectral_norm; without one: wasserstein-r1")
    (note,) = rules.warnings(least(scheduler="asha", nuisance={"generator_lr": LR}))
    assert "depends on the workers' timing" in note


def test_a_pair_of_ones_own_is_told_what_wasserstein_is(least: Build) -> None:
    lines, cubes = ({"name": name, "f": f, "g": f"-{f}"} for name, f in (("lines", "2*d"), ("cubes", "d**3")))
    fixed = {"generator_lr": 1e-3, "critic_lr": 1e-3}
    both = {"objective": [lines, cubes, "hinge", "wasserstein"], "penalty": ["none", "spectral_norm"]}
    found = [note for note in rules.warnings(least(scientific=both, fixed=fixed)) if "slope" in note]
    (note,) = found
    assert note.startswith("lines and wasserstein need a critic of bounded slope, by clip")
    assert note.endswith("; without one: lines-none, wasserstein-none")
    searched = {"objective": {"choice": [lines, "hinge"]}}
    (note,) = [note for note in rules.warnings(least(nuisance=searched)) if "slope" in note]
    assert note.startswith("lines needs a critic of bounded slope")
    searched["penalty"] = {"choice": ["none", "spectral_norm"]}  # so that the search may find out
    assert not [note for note in rules.warnings(least(nuisance=searched)) if "slope" in note]


def test_a_pair_by_which_constant_critics_gain_without_end_is_noted(least: Build) -> None:
    pairs = [{"name": "mine", "f": "exp(d)", "g": "-d"}, {"name": "other", "f": "-exp(-d)", "g": "-exp(d)"}]
    both = {"objective": ["wasserstein", *pairs], "penalty": ["spectral_norm"]}
    notes = rules.warnings(least(scientific=both, nuisance={"generator_lr": LR}))
    assert [note for note in notes if "unbounded" in note] == [
        "mine is unbounded even where p = q, as constant critics, of slope 0, gain without end; the critic maximises,"
        " so that losses, which are minimised, are given as their negatives: mine-spectral_norm"
    ]
    assert not any(
        "unbounded" in note for note in rules.warnings(least(scientific={**both, "pairing": ["relativistic"]}))
    )


def test_a_pair_that_float32_cannot_hold_far_out_is_noted(least: Build) -> None:
    mine = {"name": "mine", "f": "d", "g": "-exp(2*d)"}
    choices = ["hinge", {"name": "alpha", "alpha": {"choice": [0.5, 0.75]}}, mine]
    notes = rules.warnings(
        least(scientific={"objective": choices, "critic_steps": [1, 2]}, nuisance={"generator_lr": LR})
    )
    assert notes == [
        "objective.alpha: with alpha = 0.75 g(d) is too large for float32 from d = 27.75 up, where a replica counts as"
        " diverged: alpha-critic_steps=1, alpha-critic_steps=2",
        "objective.g: g(d) = -exp(2*d) is too large for float32 from d = 44.05 up, where a replica counts as diverged:"
        " mine-critic_steps=1, mine-critic_steps=2",
    ]


def test_choices_that_train_the_same_are_noted(least: Build) -> None:
    given = ["none", "r1", {"name": "r1", "weight": 1.0}, {"name": "r1", "weight": 2.0}]
    searched = {"generator_lr": LR, "penalty": {"choice": given}}
    assert rules.warnings(least(scientific={"beta1": [0.0, 0.5]}, nuisance=searched)) == [
        "penalty: the choices 'r1' and {'name': 'r1', 'weight': 1.0} train the same, which is so drawn more often than"
        " another: beta1=0, beta1=0.5"
    ]
    losses = {"generator_loss": {"choice": ["default", "critic_mean"]}}
    (note,) = rules.warnings(least(scientific={"objective": ["hinge", "least_squares"]}, nuisance=losses))
    assert note.startswith("generator_loss: the choices 'default' and 'critic_mean' train the same")
    assert note.endswith("than another: hinge")
    objective = {"objective": {"choice": ["hinge", "least_squares"]}}
    assert rules.warnings(least(nuisance={**losses, **objective})) == []


def test_a_search_of_what_nothing_reads_is_noted(least: Build) -> None:
    beta2, alpha = {"beta2": {"uniform": [0.9, 0.99]}}, {"lookahead_alpha": {"uniform": [0.2, 0.8]}}
    optimizers = {"scientific": {"optimizer": ["adam", "sgd", "nesterov"]}}
    assert rules.warnings(least(**optimizers, nuisance=beta2)) == [
        "beta2 with optimizer sgd changes nothing, and is searched: sgd",
        "beta2 with optimizer nesterov changes nothing, and is searched: nesterov",
    ]
    schedule = {"beta2": {"from": 0.9, "to": {"uniform": [0.9, 0.99]}}, "generator_lr": LR}
    (note,) = rules.warnings(least(fixed={"optimizer": "sgd"}, nuisance=schedule))
    assert note.startswith("beta2 with optimizer sgd changes nothing")
    (note,) = rules.warnings(least(nuisance={**alpha, "generator_lr": LR}))
    assert note == "lookahead_alpha with lookahead 0 changes nothing, and is searched: single"
    assert rules.warnings(least(nuisance={**alpha, "lookahead": {"choice": [0, 5]}})) == []
    assert rules.warnings(least(nuisance={**beta2, "optimizer": {"choice": ["adam", "sgd"]}})) == []


def test_penalised_slopes_of_a_critic_that_normalises_are_noted(least: Build) -> None:
    scientific = {"penalty": ["none", "consistency", ["lecam", "r1"]]}
    for batch_norm, count in ((True, 1), (False, 0)):
        fixed = {"critic": {"batch_norm": batch_norm}}
        notes = rules.warnings(least(scientific=scientific, fixed=fixed, nuisance={"generator_lr": LR}))
        assert len(notes) == count
        assert all(note.startswith("critic.batch_norm") and note.endswith("4): lecamxr1") for note in notes)


def test_a_jacobian_of_other_games_is_noted(least: Build) -> None:
    scientific = {"model": ["gan", "cyclegan", "vae"]}
    given = {"scientific": scientific, "measure": ["jacobian"], "nuisance": {"generator_lr": LR}}
    assert rules.warnings(least(**given)) == [
        "measure: jacobian is of the models gan and cgan alone, and says nothing of cyclegan, vae"
    ]


def test_an_arm_called_as_another_ones_repeat_is_refused_where_there_is_that_repeat(least: Build) -> None:
    """`search-hinge-r1-0000` would name a trial, and its folder, of both."""
    arms = [{"objective": "hinge"}, {"objective": "hinge", "penalty": "r1"}]
    named = [{"objective": "hinge"}, {"name": "regular", "objective": "hinge", "penalty": "r1"}]
    searched = {"nuisance": {"generator_lr": LR}}
    (note,) = rules.warnings(least(scientific=arms, **searched))
    assert note == (
        "search.repeats can be at most 1, as trials of repeat 1 of hinge would be called as those of hinge-r1; an entry"
        " of scientific may give its arms a name"
    )
    rounds = {"confirm": {"top": 1, "replicas": 4, "until": "decided", "most": 8}}
    for sections in ({"search": {"repeats": 2}}, {"search": {"repeats": 1, "most_repeats": 2}, **rounds}):
        with pytest.raises(
            ConfigError,
            match="scientific: expected arms that are not called as another's repeats, of which there are 2, got"
            " 'hinge-r1', as trials of repeat 1 of 'hinge' are called; an entry may give its arms a name",
        ):
            least(scientific=arms, **searched, **sections)
    assert rules.warnings(least(scientific=named, search={"repeats": 2}, **searched)) == []


def test_a_list_of_one_choice_is_noted_where_it_is_in_the_name_of_every_arm(least: Build) -> None:
    searched = {"nuisance": {"generator_lr": LR}}
    assert rules.warnings(least(scientific={"model": ["gan"], "beta1": [0.0, 0.5]}, **searched)) == [
        "scientific: model has one choice, which tells no arms apart and is in the name of each; under fixed it would"
        " be in none"
    ]
    assert rules.warnings(least(scientific={"model": ["gan"]}, **searched)) == []
    assert rules.warnings(least(scientific=[{"beta1": [0.0]}, {"beta1": [0.5]}], **searched)) == []


def test_thresholds_of_the_earlier_rule_are_said_to_be_replaced(least: Build) -> None:
    earlier = {**dict.fromkeys(EARLIER, 0.5), "metric": "fid"}
    (note,) = rules.warnings(least(nuisance={"generator_lr": LR}, outcomes=earlier))
    assert note == (
        "outcomes: critic_accuracy, gradient_norm, hop_rate, metric, modes, oscillation, quality and tail set the"
        " earlier rule of outcomes and are replaced by the present defaults, which `ganstudy docs outcomes` explains"
    )


@pytest.mark.parametrize(
    ("data", "metric", "judged"),
    [("ring", None, "mass_js"), ("gaussian", None, "mass_js"), ("digits", None, "fid"), ("ring", "fid", "fid")],
)
def test_the_metric_judged_is_the_one_named_or_suits_the_data(
    least: Build, data: str, metric: str | None, judged: str
) -> None:
    assert rules.judged_by(least(data=data, outcomes={"metric": metric})) == (judged,)


def test_no_metric_is_judged_of_a_map_of_dirac_gans(least: Build) -> None:
    search = {"metric": "dirac_converged", "mode": "max"}
    assert rules.judged_by(least(data="dirac", scientific={"model": ["dirac"]}, search=search)) == ()


def test_few_evaluations_are_noted_where_outcomes_are_told_from_them(least: Build) -> None:
    def notes(evaluations: int, **sections: Any) -> list[str]:
        budget = {"steps": 40, "evaluations": evaluations, "batch_size": 8}
        return rules.warnings(least(**{"budget": budget, "search": {"trials_per_arm": 1}, **sections}))

    assert notes(20) == notes(40) == []
    assert notes(5) == [
        "budget.evaluations: outcomes, as converged or hopping, are told less surely from 5 than from 20 or more (see"
        " `ganstudy docs outcomes`)"
    ]
    search = {"metric": "dirac_converged", "mode": "max", "trials_per_arm": 1}
    assert notes(5, data="dirac", scientific={"model": ["dirac"]}, search=search) == []


def test_long_lists_of_arms_are_cut_in_notes(least: Build) -> None:
    (note,) = rules.warnings(least(scientific={"latent_dim": [1, 2, 3, 4, 5, 6]}))
    assert note.endswith("latent_dim=4 and 2 more arms")
