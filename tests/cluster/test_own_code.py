"""Code of the user's own on a cluster: its nodes get the files from the driver, and not from their own disks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.ledger.ledger import entries

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(900)]
LOSS = """
import os, uuid
from pathlib import Path
from my_part import third
from trainables.objectives.table import Objective

Path(os.environ["NOTES"], uuid.uuid4().hex).write_text(__file__)
cubic = Objective("cubic", lambda d: d - d**3 * third, lambda d: -d, "saturating", "", "a test")
"""
METRIC = "def width(samples, data):\n    return samples.flatten(1).std(1)\n"


@pytest.mark.slow
def test_modules_and_what_they_import_travel_to_the_nodes(
    nodes: Any, config: Callable[..., Path], tmp_path: Path
) -> None:
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs root, to give a node a file system of its own")
    work, notes = tmp_path / "work", tmp_path / "notes"
    (work / "my_metrics").mkdir(parents=True)
    notes.mkdir()
    (work / "my_loss.py").write_text(LOSS)
    (work / "my_part.py").write_text("third = 1 / 3\n")
    (work / "my_metrics" / "__init__.py").touch()
    (work / "my_metrics" / "shape.py").write_text(METRIC)
    nodes.environment["NOTES"] = str(notes)
    nodes.head(cpus=0)
    nodes.add(cpus=1, hiding=work)
    path = config(scientific={"objective": ["my_loss:cubic"]}, measure=["my_metrics.shape:width"], confirm={"top": 0})
    code = f"import os, sys; os.chdir({str(work)!r}); from study.__main__ import main; sys.exit(main(sys.argv[1:]))"
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    printed = nodes.finish(nodes.python("-c", code, "run", path, "--out", tmp_path / "study", environment=state))
    assert "done: 2 trials, 0 failed" in printed
    places = {Path(note.read_text()) for note in notes.iterdir()}
    assert work / "my_loss.py" in places  # the driver's
    others = places - {work / "my_loss.py"}
    assert others
    assert all("py_modules_files" in place.parts for place in others)  # a worker's, brought by Ray
    results = [entry for _, entry in entries(tmp_path / "study") if entry.kind == "result"]
    assert all(width > 0 for entry in results for width in entry.columns["own.width"])
    [session] = [entry for _, entry in entries(tmp_path / "study") if entry.kind == "session"]
    assert list(session.code) == ["my_loss", "my_metrics", "my_metrics.shape", "my_part"]
