"""The campaign's command: slices of its parts, in a process of their own.

What the campaign does in forks it does in forks of a process that has no threads at work. A test's process may have
some: once libgomp has started a pool there, a fork waits forever for threads that it did not inherit.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from configurations import Checked
from ledgers import Judged
from subject import HERE, ROOT, surroundings

PAGE = "<!-- ledgers -->\nold\n<!-- end of ledgers -->\n\n<!-- configurations -->\n<!-- end of configurations -->\n"
STATE = "campaign.pickle"


def campaign(folder: Path, *options: str) -> dict[str, Any]:
    """What the command has found, by part; it must end with status 0."""
    program = [sys.executable, str(HERE), "--folder", str(folder), *options]
    done = subprocess.run(program, cwd=ROOT, env=surroundings(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = pickle.loads((folder / STATE).read_bytes())
    return found


def test_slices_of_the_campaign_go_on_from_others_find_nothing_and_are_written(tmp_path: Path) -> None:
    before = {"ledgers": Judged(mutants=1), "configurations": Checked(mutants=10, refused=10)}
    (tmp_path / STATE).write_bytes(pickle.dumps(before))
    (page := tmp_path / "page.md").write_text(PAGE)
    options = ["--ledgers=3", "--configurations=14", "--seed=0", "--write", str(page)]
    found = campaign(tmp_path, "--only", "ledgers", "configurations", *options)
    ledgers, configurations = found["ledgers"], found["configurations"]
    assert (ledgers.mutants, ledgers.resumed, ledgers.faults) == (3, 2, 0), ledgers
    assert ledgers.rows > 50
    assert (configurations.mutants, configurations.faults) == (14, 0), configurations
    assert (configurations.refused, configurations.ran) == (13, 1)  # of this seed
    text = page.read_text()
    assert ledgers.sentence() in text.partition("<!-- end of ledgers -->")[0]
    assert configurations.sentence() in text.partition("<!-- configurations -->")[2]
    assert "old" not in text


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kills_in_forks_lose_nothing(tmp_path: Path) -> None:
    for name in ("undisturbed-0", "forked-0"):  # of a call that was cut short
        (tmp_path / name / "study").mkdir(parents=True)
    found = campaign(tmp_path, "--only", "forks", "--forks=20")["forks"]
    assert len(found.blows) >= 20
    assert found.faults == 0, found
