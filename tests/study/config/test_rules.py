from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from analysis.record.schema import DERIVED, HIGHER, MEASUREMENTS
from study.config.arms import spec_for
from study.config.measured import DIAGNOSTICS
from study.config.messages import ConfigError
from study.config.notes import notes
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
            "scientific.model: expected gan, as 'gaussian' has no classes, got cgan",
        ),
        (
            {"data": {"name": "images", "root": "/nowhere"}, "scientific": {"model": ["cgan"]}},
            "scientific.model: expected gan, as 'images' has no classes without `data.labels: folders`, got cgan",
        ),
        (
            {"data": {"name": "images", "root": "/nowhere"}, "evaluation": {"features": "classifier"}},
            "evaluation.features: expected raw or one of inception, efficientnet_lite0, dinov2, as 'images' has no"
            " classes without `data.labels: folders`, got 'classifier'",
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
            "search.metric: expected what is measured here, got 'fidd'; did you mean 'fid'?",
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
        ({"search": {"mode": "max"}}, "search.mode: expected min, as mass_js, which search.metric null stands for,"),
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
        if column.name in {*DIAGNOSTICS, "fid_error", "mass_js_error"}:
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


def test_points_that_are_no_mixture_are_searched_by_what_sees_more_than_mean_and_covariance(
    least: Build, points: dict[str, Any]
) -> None:
    plan = least(data=points, nuisance={"generator_lr": LR})
    assert (plan.goal.metrics, plan.goal.modes) == (("coverage",), ("max",))
    assert notes(plan) == []
    for known in ("line", "circle", "swiss_roll"):
        assert least(data=known).goal.metrics == ("coverage",)
    assert least(data=points, evaluation={"features": {"module": "my:features"}}).goal.metrics == ("fid",)
    said = r"search\.mode: expected max, as coverage, which search\.metric null stands for, is better so, got min"
    with pytest.raises(ConfigError, match=said):
        least(data=points, search={"mode": "min"})


def test_an_arm_called_as_another_ones_repeat_is_refused_where_there_is_that_repeat(least: Build) -> None:
    """`search-hinge-r1-0000` would name a trial, and its folder, of both."""
    arms = [{"objective": "hinge"}, {"objective": "hinge", "penalty": "r1"}]
    named = [{"objective": "hinge"}, {"name": "regular", "objective": "hinge", "penalty": "r1"}]
    searched = {"nuisance": {"generator_lr": LR}}
    (note,) = notes(least(scientific=arms, **searched))
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
    assert notes(least(scientific=named, search={"repeats": 2}, **searched)) == []
