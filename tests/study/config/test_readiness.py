from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.config.readiness import check_memory, check_precision, check_resources, needed, ready
from trainables import precision

Build = Callable[..., StudyPlan]


def test_a_trial_may_not_ask_for_more_than_there_is(least: Build) -> None:
    config = least(resources={"gpu": 1, "cpu": 4}).config
    check_resources(config, 1, 4)
    check_resources(config, 8)
    with pytest.raises(ConfigError, match=r"resources\.gpu: expected at most 0, all that this machine has, got 1"):
        check_resources(config, 0, 4)
    with pytest.raises(ConfigError, match=r"resources\.cpu: expected at most 2, all that this machine has, got 4"):
        check_resources(config, 1, 2)


BOTH = ["fp32", "tf32"]


@pytest.mark.parametrize(
    "sections",
    [
        {"fixed": {"precision": "tf32"}},
        {"scientific": {"precision": BOTH}},
        {"scientific": [{"name": "a"}, {"precision": "tf32"}]},
        {"scientific": [{"name": "a", "precision": {"choice": BOTH}}]},
        {"nuisance": {"precision": {"choice": BOTH}}},
    ],
)
def test_a_card_must_have_the_precision(
    sections: dict[str, Any], least: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = least(resources={"gpu": 1}, **sections).config  # wherever it is read
    monkeypatch.setattr(precision, "offered", lambda device: ("fp32", "tf32"))
    check_precision(config, "cuda")
    monkeypatch.setattr(precision, "offered", lambda device: ("fp32",))
    message = r"precision: expected fp32 on this device \(cuda\), which has no tf32, got tf32"
    with pytest.raises(ConfigError, match=message):
        check_precision(config, "cuda")


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"data": {"name": "ring", "points": 10**9, "heldout": 10**9}}, r"data\.points: expected what 75% of .* 8 GB"),
        ({"data": {"name": "ring", "heldout": 10**9}}, r"data\.heldout: .*, got 1,000,000,000, which take 8"),
        ({"evaluation": {"samples": 10**9}}, r"samples: .* got 1,000,000,000, which take 544 GB with 8 replicas"),
        ({"budget": {"steps": 20, "batch_size": 10**6}, "data": {"name": "gaussian", "dimensions": 1000}},
         r"budget\.batch_size: expected what 75% of this machine's 8 GB of memory .* got 1,000,000, which take 32 GB"),
        ({"confirm": {"top": 1, "replicas": 4096}, "evaluation": {"samples": 300_000}}, "69 GB with 4096 replicas"),
    ],
)  # fmt: skip
def test_what_memory_cannot_hold_is_refused(sections: dict[str, Any], message: str, least: Build) -> None:
    check_memory(least().config, 8 * 10**9)
    with pytest.raises(ConfigError, match=message):
        check_memory(least(**sections).config, 8 * 10**9)


@pytest.mark.parametrize(
    ("data", "samples", "replicas", "measured"),
    [
        ({"name": "ring"}, 10**6, 1, 152e6),
        ({"name": "ring"}, 10**6, 2, 170e6),
        ({"name": "ring"}, 10**6, 4, 296e6),
        ({"name": "ring"}, 4 * 10**6, 2, 741e6),
        ({"name": "gaussian", "dimensions": 50}, 2 * 10**5, 1, 154e6),
        ({"name": "gaussian", "dimensions": 50}, 2 * 10**5, 4, 312e6),
    ],
)
def test_an_evaluations_memory_is_bounded(
    data: dict[str, Any], samples: int, replicas: int, measured: float, least: Build
) -> None:
    """`measured` is by how much a process's peak of resident memory grew in `Training.measure`, on a core."""
    found = needed(least(data=data, evaluation={"samples": samples}).config, replicas)["evaluation.samples"]
    assert measured <= found < 2 * measured


def test_readiness_looks_at_the_machine(least: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    ready(least().config)
    wants_gpu = least(resources={"gpu": 0.25}).config
    with pytest.raises(ConfigError, match=r"resources\.gpu: expected at most 0, all that this machine has, got 0\.25"):
        ready(wants_gpu)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    ready(wants_gpu)
    with pytest.raises(ConfigError, match=r"data\.root: mnist is not under .*set `download: true`"):
        ready(least(data={"name": "mnist", "root": str(tmp_path)}).config)
    ready(least(data={"name": "mnist", "root": str(tmp_path), "download": True}).config)


def test_on_a_cluster_its_own_resources_count(least: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    ready(least(resources={"gpu": 8, "cpu": 4000}).config)
