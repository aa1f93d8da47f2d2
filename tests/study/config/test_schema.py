from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from analysis.results.thresholds import Thresholds
from study.config import loading, strict_yaml
from study.config.loading import load
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.config.sections import Confirm, Keep, Scheduler

ROOT = Path(__file__).parents[3]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
KEPT: tuple[Any, ...] = ("none", "confirmed", "best", "all")
BUDGET = {"steps": 20, "batch_size": 8}
RING = ROOT / "configs" / "ring.yaml"
Build = Callable[..., StudyPlan]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_that_comes_with_the_project_loads(path: Path) -> None:
    plan = load(path)
    assert len(plan.arms) >= 3
    assert plan.config.study.replace("-", "_") in (path.stem, f"{path.stem}_objectives")


def test_the_designs_example_means_what_it_says() -> None:
    config = load(RING).config
    assert config.data == {
        "name": "ring", "modes": 8, "std": 0.02, "radius": 2.0, "points": 100000, "heldout": 10000, "seed": 0,
        "class_weights": None,
    }  # fmt: skip
    assert (config.budget.steps, config.budget.evaluations, config.budget.batch_size) == (5000, 20, 256)
    assert len(config.scientific["objective"]) >= 6
    assert config.nuisance["generator_lr"] == {"log_uniform": [1e-4, 1e-2]}
    assert (config.search.metrics, config.search.modes, config.search.trials_per_arm) == (("mass_js",), ("min",), 20)
    assert (config.scheduler.name, config.confirm.top, config.confirm.replicas) == ("asha", 1, 32)
    assert config.tracking.uri is None
    assert config.outcomes == Thresholds()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_what_is_resolved_reloads_to_the_same(path: Path, tmp_path: Path) -> None:
    config = load(path).config
    loading.write(config, tmp_path / "study.yaml")
    again = load(tmp_path / "study.yaml").config
    assert again == config
    assert again.resolved() == config.resolved() == strict_yaml.read(tmp_path / "study.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("all", ("all", False)),
        (None, ("none", False)),
        ({"critics": True}, ("confirmed", True)),
        ({"generators": "best", "critics": True}, ("best", True)),
    ],
)
def test_what_is_kept_may_be_a_word(least: Build, given: Any, meant: tuple[str, bool]) -> None:
    keep = least(keep=given).config.keep
    assert (keep.generators, keep.critics) == meant


def test_what_is_kept_of_which_trial() -> None:
    writes = {name: [Keep(generators=name).writes(confirmed) for confirmed in (False, True)] for name in KEPT}
    assert writes == {
        "none": [False, False], "confirmed": [False, True], "best": [True, True], "all": [True, True],
    }  # fmt: skip


def test_an_unknown_word_of_what_is_kept_is_refused(least: Build) -> None:
    with pytest.raises(
        ConfigError, match=r"keep\.generators: expected 'confirmed', 'best', 'all' or 'none', got 'some'"
    ):
        least(keep="some")


def test_resolved_settings_are_whole_and_point_to_absolute_paths(
    least: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.pt").touch()
    plan = least(data={"name": "mnist", "root": "there"}, evaluation={"classifier": "c.pt"})
    resolved = plan.config.resolved()
    root = str(tmp_path / "there")
    assert resolved["data"] == {"name": "mnist", "root": root, "download": False, "class_weights": None}
    assert resolved["evaluation"]["classifier"] == str(tmp_path / "c.pt")
    assert resolved["evaluation"]["neighbours"] == 5
    assert resolved["outcomes"] == asdict(Thresholds())
    assert resolved["search"]["lag"] == 2


def test_the_least_configuration_has_calm_defaults(least: Build) -> None:
    config = least().config
    assert (config.replicas, config.search.sampler, config.scheduler.name) == (8, "tpe", "none")
    assert not config.confirm
    assert (config.resources.workers, config.tracking.pictures) == (None, 3)


def test_scientific_is_one_mapping_or_a_list_of_them_with_names(least: Build) -> None:
    one = {"objective": ["hinge", "minimax"]}
    assert (least(scientific=one).config.entries, least(scientific=one).config.titles) == (
        ({"objective": ("hinge", "minimax")},),
        ("",),
    )
    several = [{"name": "sn", "penalty": "spectral_norm"}, {"beta1": [0.0, 0.9]}]
    config = least(scientific=several).config
    assert (config.entries, config.titles) == (({"penalty": "spectral_norm"}, {"beta1": [0.0, 0.9]}), ("sn", ""))
    assert config.resolved()["scientific"] == several
    assert loading.build(config.resolved()).config == config


@pytest.mark.filterwarnings("error")
def test_several_metrics_are_written_out_without_a_word_of_pydantics(least: Build) -> None:
    several = {"metric": ["fid", "recall"], "mode": ["min", "max"], "sampler": "nsga2"}
    config = least(search=several).config
    assert {key: config.resolved()["search"][key] for key in several} == several
    assert loading.build(config.resolved()).config == config


def test_short_forms_mean_the_long_ones(least: Build) -> None:
    assert least(scheduler="asha").config.scheduler == Scheduler(name="asha")
    assert least(scheduler=None).config.scheduler == Scheduler()
    assert least(confirm=None).config.confirm == least(confirm=0).config.confirm == Confirm()
    assert bool(least(confirm={"top": 1}).config.confirm)
    assert least(confirm={"replicas": 16}).config.confirm == Confirm(top=1, replicas=16)
    assert least(confirm={"top": 0, "replicas": 16}).config.confirm.top == 0
    several = least(search={"sampler": "nsga2", "metric": ["fid", "reverse_kl"]}).config.search
    assert (several.metrics, several.modes) == (("fid", "reverse_kl"), ("min", "min"))


def test_a_configuration_does_not_change(least: Build) -> None:
    config = least().config
    with pytest.raises(ValidationError, match="frozen"):
        config.replicas = 3
    with pytest.raises(ValidationError, match="frozen"):
        config.search.seed = 3


EARLIER = {
    "modes": 0.5, "hop_rate": 0.1, "oscillation": 1.0, "metric": "fid", "tail": 0.25, "critic_accuracy": 0.99,
    "gradient_norm": 0.001, "quality": 0.25,
}  # fmt: skip


def test_what_a_study_of_the_earlier_rule_wrote_out_is_read_as_the_present_defaults(least: Build) -> None:
    config = least(outcomes=EARLIER).config
    assert config.outcomes == Thresholds()
    assert config.resolved()["outcomes"] == asdict(Thresholds())
    assert least(outcomes={**EARLIER, "modes": 0.3}).config.outcomes == Thresholds()


@pytest.mark.parametrize("name", EARLIER)
def test_a_part_of_the_earlier_rule_is_not(least: Build, name: str) -> None:
    fewer = {key: value for key, value in EARLIER.items() if key != name}
    with pytest.raises(ConfigError, match=r"outcomes\.(oscillation|critic_accuracy): unknown key"):
        least(outcomes=fewer)
    with pytest.raises(ConfigError, match=r"outcomes\.oscillation: unknown key"):
        least(outcomes={**EARLIER, "swing": 2.0})


def test_overrides_are_checked_like_the_file() -> None:
    config = load(
        RING, ["search.trials_per_arm=3", "scientific.objective=[hinge]", "confirm=null", "outcomes.modes=0.9"]
    ).config
    assert config.search.trials_per_arm == 3
    assert config.scientific["objective"] == ("hinge",)
    assert config.confirm.top == 0
    assert config.outcomes.modes == 0.9
    with pytest.raises(ConfigError, match=r"search\.trials_per_arm: expected a whole number, got 'many'"):
        load(RING, ["search.trials_per_arm=many"])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({"serch": {}}, "serch: unknown key; the nearest valid key is 'search'"),
        ({"lag": 3}, "lag: unknown key; the nearest valid key is 'search.lag'"),
        (
            {"search": {"trails_per_arm": 3}},
            "search.trails_per_arm: unknown key; the nearest valid key is 'trials_per_arm'",
        ),
        ({"budget": {"stps": 3}}, "budget.stps: unknown key; the nearest valid key is 'steps'"),
        ({"outcomes": {"mods": 1}}, "outcomes.mods: unknown key; the nearest valid key is 'modes'"),
        ({"outcomes": {"foo": 1}}, "outcomes.foo: unknown key; expected one of "),
        ({"resources": {"gpus": 1}}, "resources.gpus: unknown key; the nearest valid key is 'gpu'"),
        (
            {"fixed": {"critic_step": 1}},
            "fixed.critic_step: unknown hyperparameter; the nearest valid key is 'critic_steps'",
        ),
        ({"evaluation": {"sampels": 9}}, "evaluation.sampels: unknown setting; did you mean 'samples'?"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(least: Build, key: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        least(**key)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"study": "../up"}, "study: expected at most 64 letters, digits, '_', '-' and '.', a letter or digit first"),
        ({"study": ".."}, "study: expected at most 64 letters"),
        ({"study": "a/b"}, "study: expected at most 64 letters"),
        ({"study": "a\n"}, r"got 'a\n'"),
        ({"study": "x" * 65}, "study: expected at most 64 letters"),
        ({"study": 3}, "study: expected a string, got 3"),
        ({"data": 3}, "data: expected a mapping, got 3"),
        ({"data": {}}, "data.name: expected one of gaussian, ring"),
        ({"budget": []}, "budget: expected a mapping with the keys steps, evaluations, batch_size, equal,"),
        (
            {"budget": {**BUDGET, "equal": "time"}},
            "budget.equal.name: expected 'updates', 'samples' or 'arithmetic', got",
        ),
        (
            {"budget": {**BUDGET, "equal": None}},
            "budget.equal: expected a mapping with the keys name, per_step, got null",
        ),
        ({"budget": {**BUDGET, "equal": {"per": 1}}}, "budget.equal.per: unknown key; the nearest valid key is"),
        (
            {"budget": {**BUDGET, "equal": {"name": "samples", "per_step": 0}}},
            "budget.equal.per_step: expected greater than 0, got 0",
        ),
        ({"budget": {}}, "budget.steps: expected a value, as it is required, got nothing"),
        ({"budget": {"steps": 0}}, "budget.steps: expected greater than or equal to 1, got 0"),
        ({"budget": {"steps": "9"}}, "budget.steps: expected a whole number, got '9'"),
        ({"budget": {"steps": 1e3}}, "budget.steps: expected a whole number, got 1000.0"),
        ({"budget": {"steps": True}}, "budget.steps: expected a whole number, got true"),
        ({"replicas": 0}, "replicas: expected greater than or equal to 1, got 0"),
        ({"replicas": 10**12}, "replicas: expected less than or equal to 4096, got 1000000000000"),
        ({"scientific": []}, "scientific: expected a mapping of lists of choices, or a list of mappings, got []"),
        ({"scientific": {"model": "gan"}}, "scientific.model: expected a list of choices, got 'gan'; what is the same"),
        ({"scientific": [{"name": "a"}, "hinge"]}, "scientific.1: expected a mapping, got 'hinge'"),
        ({"scientific": [{}]}, "scientific.0: expected a name or a choice, by which its arm is called, got {}"),
        (
            {"scientific": [{"beta1": {"uniform": [0, 0.9]}}]},
            "scientific.0: expected a name or a choice, by which its arm is called, got {'beta1': {'uniform'",
        ),
        (
            {"scientific": [{"name": "a b"}]},
            "scientific.0.name: expected text of at most 40 letters, digits, '_', '-' and",
        ),
        ({"scientific": [{"name": 1}]}, "scientific.0.name: expected text of at most 40 letters, digits, '_', '-' and"),
        (
            {"scientific": [{"name": "a"}, {"name": "A", "beta1": 0.1}]},
            "scientific.1.name: expected a name that entry 0 has not, whatever its case, got 'A'",
        ),
        ({"measure": "kernel"}, "measure: expected a list, got 'kernel'"),
        ({"measure": ["kernel", "sliced", "kernel"]}, "measure: expected each once, got 'kernel' twice"),
        ({"measure": [3]}, "measure.0: expected a string, got 3"),
        (
            {"search": {"sampler": "grid"}},
            "search.sampler: expected 'tpe', 'random', 'cmaes', 'gp' or 'nsga2', got 'grid'",
        ),
        ({"search": {"mode": None}}, "search.mode: expected a name or a list of names, got null"),
        ({"search": {"metric": []}}, "search.metric: expected a name or a list of names, got []"),
        ({"resources": {"pack": 0}}, "resources.pack: expected a whole number from 1 to 10,000, or auto, got 0"),
        ({"resources": {"pack": True}}, "resources.pack: expected a whole number from 1 to 10,000, or auto, got true"),
        ({"search": {"lag": 0}}, "search.lag: expected greater than or equal to 1, got 0"),
        ({"search": {"seed": -1}}, "search.seed: expected greater than or equal to 0, got -1"),
        ({"scheduler": "hyperband"}, "scheduler.name: expected 'none' or 'asha', got 'hyperband'"),
        ({"scheduler": 3}, "scheduler: expected a mapping with the keys name, grace, reduction, got 3"),
        ({"confirm": False}, "confirm: expected a mapping with the keys top, replicas, until, most, got false"),
        ({"resources": {"cpu": 0}}, "resources.cpu: expected greater than 0, got 0"),
        ({"search": {"diverged_at_most": 0.5}}, "search.diverged_at_most: expected less than 0.5, got 0.5"),
        ({"resources": {"gpu": float("nan")}}, "resources.gpu: expected a finite number, got nan"),
        ({"tracking": {"uri": 3}}, "tracking.uri: expected a string, got 3"),
        ({"tracking": {"uri": "localhost:5000"}}, "tracking.uri: expected http://HOST or https://HOST, databricks, "),
        ({"outcomes": {"modes": 2}}, "outcomes.modes: expected a share in [0, 1], got 2"),
        ({"outcomes": {"modes": "0.5"}}, "outcomes.modes: expected a number, got '0.5'"),
        ({"outcomes": {"metric": 1}}, "outcomes.metric: expected a name or null, got 1"),
        ({"outcomes": {"swing": 0.5}}, "outcomes.swing: expected a number >= 1, got 0.5"),
        ({"outcomes": {"tail": 0}}, "outcomes.tail: expected a share above 0, got 0"),
        (
            {"outcomes": {"oscillation": 1.0}},
            "outcomes.oscillation: unknown key; it belonged to the earlier rule of outcomes. The present keys, which"
            " `ganstudy docs outcomes` explains, are metric, tail, quality,",
        ),
        ({"outcomes": []}, "outcomes: expected a mapping, got []"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(least: Build, section: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        least(**section)


def test_several_mistakes_are_told_at_once_and_unknown_keys_first(least: Build) -> None:
    with pytest.raises(ConfigError) as caught:
        least(replicas=0, budget={"stps": 1}, sead=1)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["budget.stps", "sead", "budget.steps", "replicas"]


def test_many_mistakes_are_counted(least: Build) -> None:
    with pytest.raises(ConfigError, match="… and 12 more"):
        least(**{f"key{index}": 1 for index in range(20)})


@pytest.mark.parametrize("text", ["", "3", "[1, 2]", "study"])
def test_a_file_that_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"c\.yaml: expected a mapping with the keys study, data, budget"):
        load(tmp_path / "c.yaml")


@pytest.mark.parametrize("uri", ["https://me:hunter2@mlflow.example", "https://mlflow.example/?token=hunter2"])
def test_a_password_in_the_tracking_address_is_refused_and_not_repeated(least: Build, uri: str) -> None:
    with pytest.raises(ConfigError, match=r"tracking.uri: expected an address without a password") as caught:
        least(tracking={"uri": uri})
    assert "hunter2" not in str(caught.value)
