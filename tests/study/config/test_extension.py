import re
from collections.abc import Callable
from typing import Any

import pytest

from study.config.extension import check_extension
from study.config.messages import ConfigError
from study.config.plan import StudyPlan

Build = Callable[..., StudyPlan]
CONFIRM = {"top": 1, "replicas": 4}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"search__trials_per_arm": 9},
        {"search__repeats": 5},
        {"confirm": {"top": 3, "replicas": 4}},
        {"scientific": {"objective": ["minimax", "hinge", "non_saturating"]}},
        {"resources": {"cpu": 0.5, "workers": 3, "checkpoint_seconds": 1.0}},
        {"keep": "all"},
        {"tracking": {"pictures": 0, "uri": "http://127.0.0.1:5000"}},
    ],
)
def test_more_trials_more_arms_and_other_resources_are_extensions(tiny: Build, change: dict[str, Any]) -> None:
    check_extension(tiny(confirm=CONFIRM), tiny(**{"confirm": CONFIRM, **change}), confirmed=True)


EVERY = "scientific: expected every arm that the study has, under its name"
BOTH = [{"objective": ["non_saturating", "hinge"]}]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"objective": ["non_saturating", "hinge"]}, [*BOTH, {"name": "r3gan", "pairing": "relativistic"}]),
        (BOTH, [{"name": "small", "critic": {"hidden": [4]}}, {"objective": "hinge"}, {"objective": "non_saturating"}]),
        ([{"name": "a"}, {"name": "b", "beta1": 0.0}], [{"name": "b", "beta1": 0.0}, {"name": "a"}]),
    ],
)
def test_arms_stay_what_they_are_however_they_are_written(tiny: Build, before: Any, after: Any) -> None:
    check_extension(tiny(scientific=before), tiny(scientific=after), confirmed=True)


@pytest.mark.parametrize(
    ("after", "message"),
    [
        ([{"name": "b", "beta1": 0.0}], f"{EVERY}, got no 'a' among ['b']"),
        ([{"name": "z"}, {"name": "b", "beta1": 0.0}], f"{EVERY}, got 'a' as 'z'"),
        (
            [{"name": "a"}, {"name": "b", "beta1": 0.1}],
            "scientific: expected arm 'b' as the study has it, with {'beta1': 0.0}, got {'beta1': 0.1}",
        ),
        ([{"name": "a"}, {"name": "b", "beta1": [0.0, 0.1]}], f"{EVERY}, got 'b' as 'b-beta1=0'"),
        (
            [{"name": "a", "generator_lr": {"log_uniform": [1e-5, 1e-2]}}, {"name": "b", "beta1": 0.0}],
            "scientific: expected arm 'a' as the study has it, with {'generator_lr': '0.0001 … 0.01 log'},"
            " got {'generator_lr': '1e-05 … 0.01 log'}",
        ),
    ],
)
def test_an_entry_that_gives_other_arms_is_no_extension(tiny: Build, after: Any, message: str) -> None:
    before = tiny(scientific=[{"name": "a"}, {"name": "b", "beta1": 0.0}])
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_extension(before, tiny(scientific=after), confirmed=True)


TWICE = {"trials_per_arm": 2, "repeats": 2}
ROUNDS = {"replicas": 4, "until": "decided", "most": 8}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"confirm": CONFIRM}, {"confirm": ROUNDS}),
        ({"confirm": ROUNDS}, {"confirm": {**ROUNDS, "most": 32}}),
        ({"confirm": ROUNDS, "search": TWICE}, {"confirm": ROUNDS, "search": {**TWICE, "most_repeats": 4}}),
    ],
)
def test_rounds_may_be_asked_for_later_and_their_limits_may_grow(
    tiny: Build, before: dict[str, Any], after: dict[str, Any]
) -> None:
    check_extension(tiny(**before), tiny(**after), confirmed=True, looked=before["confirm"] == ROUNDS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"confirm": CONFIRM}, "confirm.most: expected 8, as finished trials were run with it, got null"),
        ({"search__trials_per_arm": 9}, "search.trials_per_arm: expected 2, by which pairs of arms were looked at"),
        ({"search__repeats": 2}, "search.repeats: expected 1, by which pairs of arms were looked at already, got 2"),
    ],
)
def test_what_pairs_were_looked_at_by_stays(tiny: Build, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_extension(tiny(confirm=ROUNDS), tiny(**{"confirm": ROUNDS, **change}), confirmed=True, looked=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"study": "other"},
            "study: .*, got 'other'; a study of its own may have it: `ganstudy run CONFIG --set study=NAME`",
        ),
        (
            {"replicas": 3},
            "replicas: expected 2, as finished trials were run with it, got 3; a study of its own may have it:"
            " `ganstudy run CONFIG --set replicas=… --set study=NAME`",
        ),
        ({"budget__steps": 40}, "budget.steps: expected 20"),
        ({"data__std": 0.05}, "data.std: expected 0.02"),
        ({"search__seed": 1}, "search.seed: expected 0"),
        ({"search__lag": 5}, "search.lag: expected 2"),
        ({"search__sampler": "random"}, "search.sampler: expected 'tpe'"),
        ({"scheduler": "asha"}, "scheduler.name: expected 'none'"),
        ({"fixed__beta1": 0.9}, "fixed.beta1: expected null"),
        ({"outcomes": {"modes": 0.9}}, "outcomes.modes: expected 0.75"),
        ({"search__trials_per_arm": 1}, "search.trials_per_arm: expected at least 2, as the study has them, got 1"),
        ({"confirm": {"top": 0, "replicas": 4}}, "confirm.top: expected at least 1"),
        ({"confirm": {"top": 1, "replicas": 5}}, "confirm.replicas: expected 4"),
        ({"nuisance__generator_lr": {"log_uniform": [1e-4, 1e-1]}}, "nuisance.generator_lr.log_uniform: expected"),
        ({"scientific": {"objective": ["hinge"]}}, f"{EVERY}, got no 'non_saturating' among"),
        (
            {"scientific": {"objective": ["non_saturating", "hinge"], "updates": ["alternating"]}},
            f"{EVERY}, got no 'non_saturating' among",
        ),
    ],
)
def test_what_would_change_finished_trials_is_refused_by_name(
    tiny: Build, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_extension(tiny(confirm=CONFIRM), tiny(**{"confirm": CONFIRM, **change}), confirmed=True)


def test_fewer_repeats_are_refused(tiny: Build) -> None:
    with pytest.raises(ConfigError, match=r"search.repeats: expected at least 3, as the study has them, got 2"):
        check_extension(tiny(search__repeats=3), tiny(search__repeats=2), confirmed=False)


def test_confirm_replicas_are_free_until_something_was_confirmed(tiny: Build) -> None:
    old, new = tiny(confirm={"top": 0, "replicas": 4}), tiny(confirm={"top": 1, "replicas": 64})
    check_extension(old, new, confirmed=False)
    with pytest.raises(ConfigError, match=r"confirm.replicas: expected 4"):
        check_extension(old, new, confirmed=True)
