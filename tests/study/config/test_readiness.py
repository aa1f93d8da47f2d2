from collections.abc import Callable
from pathlib import Path

import pytest

from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.config.readiness import check_resources, ready

Build = Callable[..., StudyPlan]


def test_a_trial_may_not_ask_for_more_than_there_is(least: Build) -> None:
    config = least(resources={"gpu": 1, "cpu": 4}).config
    check_resources(config, 1, 4)
    check_resources(config, 8)
    with pytest.raises(ConfigError, match=r"resources\.gpu: expected at most 0, all that this machine has, got 1"):
        check_resources(config, 0, 4)
    with pytest.raises(ConfigError, match=r"resources\.cpu: expected at most 2, all that this machine has, got 4"):
        check_resources(config, 1, 2)


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
    monkeypatch.setenv("RAY_ADDRESS", "ray://somewhere:10001")
    ready(least(resources={"gpu": 8, "cpu": 4000}).config)
