import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from study.execution.scratch import scratch_folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_gone_afterwards(temporary: Path) -> None:
    with scratch_folder() as folder:
        (folder / "tune").mkdir()
        assert [*temporary.iterdir()] == [folder]
    assert not [*temporary.iterdir()]


def test_what_a_killed_process_left_goes_and_what_is_in_use_stays(temporary: Path) -> None:
    code = (
        "import os, tempfile\n"
        f"tempfile.tempdir = {str(temporary)!r}\n"
        "from study.execution.scratch import scratch_folder\n"
        "with scratch_folder() as folder:\n"
        "    (folder / 'tune').mkdir()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    root = str(Path(__file__).parents[3])
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": root}, check=False)
    (left,) = temporary.iterdir()
    used, strange, link = temporary / "ganstudy-used", temporary / "ganstudy-strange", temporary / "ganstudy-link"
    for folder in (used, strange):
        folder.mkdir()
    link.symlink_to(left)
    with (used / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with scratch_folder() as mine:
            assert sorted(temporary.iterdir()) == sorted([used, strange, link, mine])
    assert not left.exists()
