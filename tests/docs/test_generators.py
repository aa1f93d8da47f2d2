"""The page's commands and blocks, on a study whose one confirmed trial was trained for two steps."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from torch import Tensor

from analysis.record.loading import load
from study.command.cli import main
from study.config import loading
from study.ledger.entries import Ended, Planned, Result, Session
from study.ledger.journal import Journal
from study.storage import generators
from study.storage.store import store_at
from trainables.kept import to_bytes
from trainables.spec import Spec
from trainables.training import Training

TEXT = (Path(__file__).parents[2] / "docs" / "generators.md").read_text(encoding="utf-8")
SEEDS = [10_000, 10_001]
CONFIG: dict[str, Any] = {
    "study": "rings",
    "data": {"name": "ring", "points": 200, "heldout": 100},
    "budget": {"steps": 2, "evaluations": 1, "batch_size": 8},
    "scientific": {"objective": ["hinge"]},
    "fixed": {"generator": {"hidden": [4]}, "critic": {"hidden": [4]}, "ema": 0.5},
    "evaluation": {"samples": 60, "neighbour_samples": 60},
    "confirm": {"top": 1, "replicas": 2},
}


class Nothing:
    """An evaluator that measures nothing."""

    samples = 16

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        return {}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with `studies/rings`."""
    folder = tmp_path_factory.mktemp("working") / "studies" / "rings"
    folder.mkdir(parents=True)
    plan = loading.build(CONFIG)
    loading.write(plan.config, folder / loading.STUDY_FILE)
    common = {name: CONFIG[name] for name in ("data", "evaluation")} | CONFIG["fixed"] | CONFIG["budget"]
    spec = Spec(**common, objective={"name": "hinge"})
    training = Training(spec, SEEDS, evaluator=Nothing())  # type: ignore[arg-type]
    training.advance()
    payload = to_bytes(training)
    assert payload is not None
    trial: dict[str, Any] = {"phase": "confirm", "arm": "hinge", "index": 0}
    journal = Journal.open(folder)
    journal.append(
        Session(config=plan.config.resolved()),
        Planned(**trial, config={}, spec=spec.to_dict(), seeds=SEEDS),
        Result(**trial, seeds=SEEDS, step=2, wall_time=1.0, columns={"fid": [1.0, 2.0]}),
        Ended(**trial, status="completed", outcomes=["learning"] * 2, scores=[1.0, 2.0]),
    )
    journal.close()
    generators.write(store_at(str(folder.resolve())), "confirm-hinge-0000", payload)
    pictures = folder / "trials" / "confirm-hinge-0000" / "pictures"
    pictures.mkdir()
    samples, _ = training.samples(30)
    np.savez(pictures / "00000002.npz", samples=samples.numpy(), seeds=np.array(SEEDS))
    return folder.parents[1]


def test_every_command_of_the_page_does_what_it_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    commands = re.findall(r"^    ganstudy (.*)$", TEXT, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["sample", "sample", "measure", "animate"]
    for command in commands:
        assert main(shlex.split(command)) == 0
    with np.load("samples.npz") as found:
        assert found["samples"].shape == (10_000, 2)
        assert {"trial_id", "seed", "step"} < set(found.files)
    assert load("studies/rings").trials["later.kid"].notna().all()
    assert len(list(Path("studies/rings/animations").iterdir())) == 2


def test_the_first_block_of_python_gives_a_module(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0], names)
    assert names["samples"].shape == (1000, 2)


def test_every_keep_of_the_page_is_one() -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines():
        assert loading.build({**CONFIG, **yaml.safe_load(line)}).config.keep
