"""The whole of it in its least form, where there is torch and nothing of ours but two folders."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.gpu.__main__ import LEAST, Run
from benchmarks.gpu.sizes import LEAST as SIZES

ROOT = Path(__file__).parents[3]
BARE = """
import runpy, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"no {name} here")
sys.meta_path.insert(0, Absent())
absent, *sys.argv[1:] = sys.argv[1:]
sys.path[:] = [place for place in sys.path if place != absent]
runpy.run_module("benchmarks.gpu", run_name="__main__", alter_sys=True)
"""
ABSENT = (
    "ray", "mlflow", "optuna", "pydantic", "pandas", "pyarrow", "sklearn", "torchvision", "torchmetrics",
    "torch_fidelity", "matplotlib", "PIL", "tqdm", "safetensors", "yaml", "rich", "hypothesis", "study", "analysis",
)  # fmt: skip


def test_two_folders_and_torch_suffice(tmp_path):
    for name in ("trainables", "benchmarks"):
        (tmp_path / name).symlink_to(ROOT / name)
    settings = {**os.environ, "PYTHONPATH": "", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", BARE, ",".join(ABSENT), "--least", "--out", "found"]
    done = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found/findings.json").read_text())
    assert found["card"] is None
    assert [(cost["size"], cost["replicas"]) for cost in found["costs"]] == [
        (size.name, replicas) for size in SIZES for replicas in LEAST.replicas
    ]
    assert all(cost["ours"] > 0 and cost["loop"] > 0 and cost["graphed"] is None for cost in found["costs"])
    assert max(found["apart"].values()) < 1e-4
    assert len(found["profiles"]) == 2
    assert all({"grouped", "separate", "unfolded"} <= set(by) for by in found["convolutions"].values())
    assert len(found["convolutions"]) == 1
    page = (tmp_path / "found/findings.md").read_text()
    assert "No card: a reduced form on a processor" in page
    assert page.count("no card has shown this yet") == 6
    assert page in done.stdout


def test_what_does_not_fit_or_fails_is_named():
    run = Run(LEAST, torch.device("cpu"))
    assert run.tried("a", lambda: 2.0) == 2.0
    run.end -= LEAST.budget

    def fails():
        raise RuntimeError("out of\n memory")

    assert run.tried("b", lambda: 2.0, needed=1) is None
    assert run.tried("c", fails, needed=-1e6) is None
    assert run.found.left_out == ["b: no time left", "c: out of memory"]


def test_a_population_without_graphs_is_named(monkeypatch):
    run = Run(LEAST, torch.device("cpu"))
    monkeypatch.setattr("trainables.steps.OneByOne.refused", "x waits")
    assert run.ours(SIZES[0], 2, "fp32", []) > 0
    assert run.found.left_out == [f"{SIZES[0].name}, 2 replicas: training goes on without CUDA graphs: x waits"]
