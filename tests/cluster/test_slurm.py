"""The job script for Slurm, with stand-ins for Slurm's commands: its nodes are processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from study.progress.status import status

ROOT = Path(__file__).parents[2]
SCRIPT, NODE = ROOT / "configs" / "cluster" / "slurm.sh", Path(__file__).with_name("node.py")
SRUN = """
for name in "$@"; do
    case $name in --nodelist=*) nodes=${name#--nodelist=};; --*) ;; *) break;; esac
    shift
done
echo "$nodes: $*" >> "$SLURM_SEEN"
for node in ${nodes//,/ }; do "$@" & done
wait
"""
SCONTROL = """
case "$1 $2" in
    "show hostnames") echo "$3" | tr , '\\n';;
    *) echo "$*" >> "$SLURM_SEEN";;
esac
"""
RAY = """
for word in "$@"; do
    case $word in --address=*) address=${word#--address=};; --head) address=;; esac
done
if [ "$1" = start ] && [ -n "$address" ]; then exec "$PYTHON" "$NODE" "$address" 1 0; fi
if [ "$1" = start ]; then
    set -- "$@" --object-store-memory=134217728 --min-worker-port=0 --max-worker-port=0
fi
exec "$PYTHON" -m ray.scripts.scripts "$@"
"""

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(900)]


def job(nodes: Any, folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """The batch script as `sbatch --nodes=2` runs it on the first node."""
    commands = folder / "slurm"
    commands.mkdir(exist_ok=True)
    stand_ins = {
        "srun": SRUN,
        "scontrol": SCONTROL,
        "ray": RAY,
        "hostname": "echo 127.0.0.1\n",
        "python3": 'exec "$PYTHON" "$@"\n',
        "ganstudy": 'cd "$ROOT" && exec "$PYTHON" -m study "$@"\n',
    }
    for name, text in stand_ins.items():
        (commands / name).write_text(f"#!/bin/bash\n{text}")
        (commands / name).chmod(0o755)
    job_id = str(os.getpid() % 10000)
    surroundings = {
        **nodes.environment,
        "HOME": str(folder),
        "PATH": f"{commands}:{os.environ['PATH']}",
        "SLURM_JOB_ID": job_id,
        "SLURM_JOB_NODELIST": "a1,a2",
        "SLURM_CPUS_ON_NODE": "1",
        "SLURM_SEEN": str(folder / "seen"),
        "PYTHON": sys.executable,
        "NODE": str(NODE),
        "ROOT": str(ROOT),
    }
    return subprocess.Popen(
        [SCRIPT, *map(str, arguments)],
        env=surroundings,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end(batch: subprocess.Popen[str]) -> str:
    """Wait for the batch script, then end what else is of its job, as Slurm does; what the script printed."""
    family = psutil.Process(batch.pid).children(recursive=True) if batch.poll() is None else []
    batch.wait(timeout=400)
    session = [one for one in psutil.process_iter() if _session(one.pid) == batch.pid]
    for process in {*family, *session}:
        if process.is_running():
            process.kill()
    assert batch.stdout is not None
    return batch.stdout.read()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1


@pytest.mark.slow
def test_a_job_whose_time_is_up_queues_itself_and_goes_on(
    nodes: Any,
    config: Callable[..., Path],
    long: dict[str, Any],
    alone: Callable[..., Path],
    curves: Any,
    tmp_path: Path,
) -> None:
    folder, seen = tmp_path / "study", tmp_path / "seen"
    command = ("run", config(**long), "--out", folder)
    batch = job(nodes, tmp_path, *command)
    nodes.wait_for(lambda: bool([*folder.rglob("checkpoint.pt")]) or batch.poll() is not None, 240)
    batch.send_signal(signal.SIGUSR1)
    printed = end(batch)
    assert batch.returncode == 130, printed
    assert "(nodes 2, processors 2, GPUs 0)" in printed
    assert "goes on from here" in printed
    assert printed.splitlines()[-1] == "the time is up, the study is not done: queued again"
    assert "requeue" in seen.read_text()
    assert [line.split(":")[0] for line in seen.read_text().splitlines()[1:3]] == ["a1", "a2"]
    assert status(folder).state == "interrupted"
    seen.unlink()
    batch = job(nodes, tmp_path, *command)
    printed = end(batch)
    assert batch.returncode == 0, printed
    assert "requeue" not in seen.read_text()
    assert curves(folder) == curves(alone(**long))


def test_the_script_is_bash_and_its_options_are_slurms() -> None:
    subprocess.run(["bash", "-n", SCRIPT], check=True)
    text = SCRIPT.read_text()
    options = {line.split()[1].split("=")[0] for line in text.splitlines() if line.startswith("#SBATCH")}
    assert options == {
        "--job-name", "--ntasks-per-node", "--exclusive", "--time", "--signal", "--requeue", "--open-mode", "--output",
    }  # fmt: skip
    assert os.access(SCRIPT, os.X_OK)
