"""What is allowed and rarely meant is noted, with the arms it is of; what is meant is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from analysis.results.thresholds import EARLIER
from study.config.notes import notes
from study.config.plan import StudyPlan

Build = Callable[..., StudyPlan]
LR = {"log_uniform": [1e-4, 1e-2]}


def test_fid_of_raw_points_of_no_known_distribution_is_noted(least: Build, points: dict[str, Any]) -> None:
    for data in (points, "line"):
        (note,) = notes(least(data=data, search={"metric": "fid"}, nuisance={"generator_lr": LR}))
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
    (found,) = notes(least(nuisance={"generator_lr": LR}, **sections))
    assert found.startswith("search.metric: ")
    assert note in found


def test_that_a_search_does_not_see_labels_is_noted_where_they_are_asked_for(least: Build) -> None:
    arms = {"scientific": {"model": ["gan", "cgan"]}}
    (found,) = [note for note in notes(least(**arms)) if "class that was asked for" in note]
    assert found == (
        "search.metric: mass_js does not see whether samples are of the class that was asked for, nor do outcomes;"
        " class_fid does: cgan"
    )
    seen = notes(least(search={"metric": "class_fid"}, scientific={"model": ["cgan"]}))
    assert not any("asked for" in note for note in [*seen, *notes(least())])


def test_repeats_of_what_is_not_searched_are_noted_as_copies(least: Build) -> None:
    search, confirm = {"trials_per_arm": 1, "repeats": 3}, {"top": 1, "replicas": 4}
    assert notes(least(search=search)) == []
    alike = "nothing is searched, so that all 3 repeats confirm the same configuration on the same seeds: single"
    assert notes(least(search=search, confirm=confirm)) == [alike]
    assert notes(least(search=search, confirm=confirm, nuisance={"generator_lr": LR})) == []
    several = notes(least(search={**search, "trials_per_arm": 2}, confirm=confirm))
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
    assert notes(least(nuisance={"generator_lr": LR}, **sections)) == []


def test_a_metric_that_chooses_nothing_is_not_noted(least: Build) -> None:
    (note,) = notes(least(search={"metric": "fid"}))
    assert note.startswith("nothing is searched")


def test_what_is_rarely_meant_is_noted(least: Build) -> None:
    assert notes(least(nuisance={"generator_lr": LR})) == []
    assert notes(least()) == ["nothing is searched, so that all 20 trials are the same: single"]
    objectives = {"scientific": {"objective": ["wasserstein", "hinge"], "penalty": ["r1", "spectral_norm"]}}
    (note,) = notes(least(**objectives, nuisance={"generator_lr": LR}))
    assert note.startswith("wasserstein needs a critic of bounded slope")
    assert note.endswith("or spectral_norm; without one: wasserstein-r1")
    (note,) = notes(least(scheduler="asha", nuisance={"generator_lr": LR}))
    assert "depends on the workers' timing" in note


def test_a_pair_of_ones_own_is_told_what_wasserstein_is(least: Build) -> None:
    lines, cubes = ({"name": name, "f": f, "g": f"-{f}"} for name, f in (("lines", "2*d"), ("cubes", "d**3")))
    fixed = {"generator_lr": 1e-3, "critic_lr": 1e-3}
    both = {"objective": [lines, cubes, "hinge", "wasserstein"], "penalty": ["none", "spectral_norm"]}
    found = [note for note in notes(least(scientific=both, fixed=fixed)) if "slope" in note]
    (note,) = found
    assert note.startswith("lines and wasserstein need a critic of bounded slope, by clip")
    assert note.endswith("; without one: lines-none, wasserstein-none")
    searched = {"objective": {"choice": [lines, "hinge"]}}
    (note,) = [note for note in notes(least(nuisance=searched)) if "slope" in note]
    assert note.startswith("lines needs a critic of bounded slope")
    searched["penalty"] = {"choice": ["none", "spectral_norm"]}  # so that the search may find out
    assert not [note for note in notes(least(nuisance=searched)) if "slope" in note]


def test_a_pair_by_which_constant_critics_gain_without_end_is_noted(least: Build) -> None:
    pairs = [{"name": "mine", "f": "exp(d)", "g": "-d"}, {"name": "other", "f": "-exp(-d)", "g": "-exp(d)"}]
    both = {"objective": ["wasserstein", *pairs], "penalty": ["spectral_norm"]}
    found = notes(least(scientific=both, nuisance={"generator_lr": LR}))
    assert [note for note in found if "unbounded" in note] == [
        "mine is unbounded even where p = q, as constant critics, of slope 0, gain without end; the critic maximises,"
        " so that losses, which are minimised, are given as their negatives: mine-spectral_norm"
    ]
    assert not any("unbounded" in note for note in notes(least(scientific={**both, "pairing": ["relativistic"]})))


def test_a_pair_that_float32_cannot_hold_far_out_is_noted(least: Build) -> None:
    mine = {"name": "mine", "f": "d", "g": "-exp(2*d)"}
    choices = ["hinge", {"name": "alpha", "alpha": {"choice": [0.5, 0.75]}}, mine]
    found = notes(least(scientific={"objective": choices, "critic_steps": [1, 2]}, nuisance={"generator_lr": LR}))
    assert found == [
        "objective.alpha: with alpha = 0.75 g(d) is too large for float32 from d = 27.75 up, where a replica counts as"
        " diverged: alpha-critic_steps=1, alpha-critic_steps=2",
        "objective.g: g(d) = -exp(2*d) is too large for float32 from d = 44.05 up, where a replica counts as diverged:"
        " mine-critic_steps=1, mine-critic_steps=2",
    ]


def test_choices_that_train_the_same_are_noted(least: Build) -> None:
    given = ["none", "r1", {"name": "r1", "weight": 1.0}, {"name": "r1", "weight": 2.0}]
    searched = {"generator_lr": LR, "penalty": {"choice": given}}
    assert notes(least(scientific={"beta1": [0.0, 0.5]}, nuisance=searched)) == [
        "penalty: the choices 'r1' and {'name': 'r1', 'weight': 1.0} train the same, which is so drawn more often than"
        " another: beta1=0, beta1=0.5"
    ]
    losses = {"generator_loss": {"choice": ["default", "critic_mean"]}}
    (note,) = notes(least(scientific={"objective": ["hinge", "least_squares"]}, nuisance=losses))
    assert note.startswith("generator_loss: the choices 'default' and 'critic_mean' train the same")
    assert note.endswith("than another: hinge")
    objective = {"objective": {"choice": ["hinge", "least_squares"]}}
    assert notes(least(nuisance={**losses, **objective})) == []


def test_a_search_of_what_nothing_reads_is_noted(least: Build) -> None:
    beta2, alpha = {"beta2": {"uniform": [0.9, 0.99]}}, {"lookahead_alpha": {"uniform": [0.2, 0.8]}}
    optimizers = {"scientific": {"optimizer": ["adam", "sgd", "nesterov"]}}
    assert notes(least(**optimizers, nuisance=beta2)) == [
        "beta2 with optimizer sgd changes nothing, and is searched: sgd",
        "beta2 with optimizer nesterov changes nothing, and is searched: nesterov",
    ]
    schedule = {"beta2": {"from": 0.9, "to": {"uniform": [0.9, 0.99]}}, "generator_lr": LR}
    (note,) = notes(least(fixed={"optimizer": "sgd"}, nuisance=schedule))
    assert note.startswith("beta2 with optimizer sgd changes nothing")
    (note,) = notes(least(nuisance={**alpha, "generator_lr": LR}))
    assert note == "lookahead_alpha with lookahead 0 changes nothing, and is searched: single"
    assert notes(least(nuisance={**alpha, "lookahead": {"choice": [0, 5]}})) == []
    assert notes(least(nuisance={**beta2, "optimizer": {"choice": ["adam", "sgd"]}})) == []


def test_penalised_slopes_of_a_critic_that_normalises_are_noted(least: Build) -> None:
    scientific = {"penalty": ["none", "consistency", ["lecam", "r1"]]}
    for batch_norm, count in ((True, 1), (False, 0)):
        fixed = {"critic": {"batch_norm": batch_norm}}
        found = notes(least(scientific=scientific, fixed=fixed, nuisance={"generator_lr": LR}))
        mixed = [note for note in found if note.startswith("critic.batch_norm makes each")]
        assert len(mixed) == count
        assert all(note.endswith("4): lecamxr1") for note in mixed)


def test_a_dense_critic_that_normalises_is_said_not_to_see_where_samples_lie(least: Build) -> None:
    for critic, count in (({"batch_norm": True}, 1), ({}, 0), ({"hidden": [], "batch_norm": True}, 0)):
        given = {"scientific": {"model": ["gan", "vae"]}, "fixed": {"critic": critic}}
        found = notes(least(**given, nuisance={"generator_lr": LR}))
        assert len(found) == count
        assert all(note.startswith("critic.batch_norm: of an mlp") and note.endswith(": gan") for note in found)


def test_nothing_is_said_of_what_critics_see_where_their_kind_is_searched(least: Build) -> None:
    critic = {"kind": {"choice": ["conv", "resnet"]}, "batch_norm": True}
    given = {"data": {"name": "digits"}, "nuisance": {"critic": critic, "generator_lr": LR}}
    assert not any(note.startswith("critic.batch_norm: of an mlp") for note in notes(least(**given)))


def test_a_jacobian_of_other_games_is_noted(least: Build) -> None:
    scientific = {"model": ["gan", "cyclegan", "vae"]}
    given = {"scientific": scientific, "measure": ["jacobian"], "nuisance": {"generator_lr": LR}}
    assert notes(least(**given)) == [
        "measure: jacobian is of the models gan and cgan alone, and says nothing of cyclegan, vae"
    ]


def test_a_list_of_one_choice_is_noted_where_it_is_in_the_name_of_every_arm(least: Build) -> None:
    searched = {"nuisance": {"generator_lr": LR}}
    assert notes(least(scientific={"model": ["gan"], "beta1": [0.0, 0.5]}, **searched)) == [
        "scientific: model has one choice, which tells no arms apart and is in the name of each; under fixed it would"
        " be in none"
    ]
    assert notes(least(scientific={"model": ["gan"]}, **searched)) == []
    assert notes(least(scientific=[{"beta1": [0.0]}, {"beta1": [0.5]}], **searched)) == []


def test_thresholds_of_the_earlier_rule_are_said_to_be_replaced(least: Build) -> None:
    earlier = {**dict.fromkeys(EARLIER, 0.5), "metric": "fid"}
    (note,) = notes(least(nuisance={"generator_lr": LR}, outcomes=earlier))
    assert note == (
        "outcomes: critic_accuracy, gradient_norm, hop_rate, metric, modes, oscillation, quality and tail set the"
        " earlier rule of outcomes and are replaced by the present defaults, which `ganstudy docs outcomes` explains"
    )


def test_few_evaluations_are_noted_where_outcomes_are_told_from_them(least: Build) -> None:
    def of(evaluations: int, **sections: Any) -> list[str]:
        budget = {"steps": 40, "evaluations": evaluations, "batch_size": 8}
        return notes(least(**{"budget": budget, "search": {"trials_per_arm": 1}, **sections}))

    assert of(20) == of(40) == []
    assert of(5) == [
        "budget.evaluations: outcomes, as converged or hopping, are told less surely from 5 than from 20 or more (see"
        " `ganstudy docs outcomes`)"
    ]
    search = {"metric": "dirac_converged", "mode": "max", "trials_per_arm": 1}
    assert of(5, data="dirac", scientific={"model": ["dirac"]}, search=search) == []


def test_long_lists_of_arms_are_cut_in_notes(least: Build) -> None:
    (note,) = notes(least(scientific={"latent_dim": [1, 2, 3, 4, 5, 6]}))
    assert note.endswith("latent_dim=4 and 2 more arms")
