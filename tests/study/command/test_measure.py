"""The command measure: columns `later.*` of the record, which every later build of it has too."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.record.loading import load as record_of
from study.command.cli import main
from study.record.build import build_record
from study.storage import generators
from study.storage.store import store_at
from trainables import own_code
from trainables.data import load
from trainables.kept import draw
from trainables.metrics.evaluator import Evaluator

Keep = Callable[..., Path]


@pytest.fixture(scope="module")
def rings(keep: Keep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(tmp_path_factory.mktemp("rings") / "study")


def test_what_is_measured_later_stays_in_the_record(rings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(rings), "--measure", "sliced", "--trial", "search-hinge-0001"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "in trials.parquet as later.sliced_wasserstein, which no report shows; trials that end from now on" in said
    assert main(["measure", str(rings), "--measure", "kernel", "--arm", "hinge", "--json"]) == 0
    build_record(rings)  # as resume and report do
    record = record_of(rings)
    told = json.loads(capsys.readouterr().out)
    trials = record.trials.set_index(["trial_id", "seed"])
    for trial_id, columns in told.items():
        assert set(columns) == {"kid", "kid_low", "kid_high", "mmd", "mmd_low", "mmd_high"}
        assert trials.loc[trial_id, "later.kid"].tolist() == columns["kid"]["values"]
    sliced = trials["later.sliced_wasserstein"]
    assert sliced.notna().groupby("trial_id", observed=True).sum().to_dict()["search-hinge-0001"] == 2
    assert sliced.notna().sum() == 2
    assert "later.fid" not in trials
    about = record.about["later"]["kid"]
    assert (about["trials"], about["weights"], about["samples"]) == (2, "average", 60)
    assert about["versions"]["torch"]


def test_the_numbers_are_the_evaluators_of_the_samples_that_sample_draws(rings: Path) -> None:
    assert main(["measure", str(rings), "--measure", "fid", "--trial", "search-hinge-0000", "--weights", "raw"]) == 0
    kept = generators.read(store_at(str(rings.resolve())), "search-hinge-0000")
    assert kept is not None
    evaluator = Evaluator(load(**kept.spec.data), {"samples": 60, "neighbour_samples": 60})
    expected = evaluator(draw(kept, [0, 1], 60, weights="raw")[0])["fid"].tolist()
    found = record_of(rings).trials.query("trial_id == 'search-hinge-0000'")["later.fid"].tolist()
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("weights", [None, np.nan])
def test_a_replica_that_diverged_has_no_value(
    keep: Keep, fell: Callable[..., None], tmp_path: Path, weights: float | None
) -> None:
    study = keep(tmp_path / "study")
    fell(study / "trials" / "search-hinge-0000" / "generators.safetensors", 0, weights)
    assert main(["measure", str(study), "--measure", "fid", "--trial", "search-hinge-0000"]) == 0
    trials = record_of(study).trials.query("trial_id == 'search-hinge-0000'").set_index("seed")
    assert trials["later.fid"].notna().to_dict() == {0: False, 1: True}


def test_a_conditional_generator_is_measured_with_labels(keep: Keep, tmp_path: Path) -> None:
    spec = {"model": "cgan"}
    study = keep(
        tmp_path / "study", spec=spec, scientific={"model": ["cgan"], "objective": ["hinge", "non_saturating"]}
    )
    assert main(["measure", str(study), "--measure", "label_fidelity"]) == 0
    assert record_of(study).trials["later.label_fidelity"].between(0, 1).sum() == 4


def test_a_measurement_of_ones_own_is_imported_from_the_working_directory(
    rings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "later_metrics.py").write_text(
        "def spread(samples, data):\n    return samples.flatten(2).std(1).mean(1)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own_code, "_now", None)
    monkeypatch.setattr("sys.path", [*sys.path])
    assert main(["measure", str(rings), "--measure", "later_metrics:spread", "--trial", "search-hinge-0001"]) == 0
    found = record_of(rings).trials.query("trial_id == 'search-hinge-0001'")["later.own.spread"]
    assert (found > 0).all()
    assert main(["measure", str(rings), "--measure", "later_metrics:gone"]) == 2
    assert "--measure: nothing at 'later_metrics:gone'" in capsys.readouterr().err


def test_features_of_ones_own_are_imported_where_the_study_is_the_users(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "later_features.py").write_text("def embed(points):\n    return points.flatten(1).exp()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own_code, "_now", None)
    monkeypatch.setattr("sys.path", [*sys.path])
    evaluation = {"samples": 60, "neighbour_samples": 60, "features": {"module": "later_features:embed"}}
    study = keep(tmp_path / "study", evaluation=evaluation)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert main(["measure", str(study), "--measure", "fid"]) == 2
    assert "expected a study that you began, as its configuration names code to import" in capsys.readouterr().err
    assert main(["measure", str(study), "--measure", "fid", "--trust"]) == 0
    assert (record_of(study).trials["later.fid"].dropna() > 0).sum() == 4
    assert len(list((study / "features").glob("*.npz"))) == 1


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            "kernle",
            "--measure: expected some of kernel, sliced, divergences, memorisation, ",
        ),
        ("kernle", "got 'kernle'; did you mean 'kernel'?"),
        ("kernel,jacobian", "got 'jacobian', which only training can measure"),
        ("", "--measure: expected some of"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    rings: Path, capsys: pytest.CaptureFixture[str], names: str, said: str
) -> None:
    assert main(["measure", str(rings), "--measure", names]) == 2
    assert said in capsys.readouterr().err
