"""Studies that are brought to a cluster: `ray job submit`, `ray submit` over ssh; and addresses where there is none."""

from __future__ import annotations

import getpass
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from study.ledger.ledger import entries
from study.progress.status import status

ROOT = Path(__file__).parents[2]
SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
MISSING = [name for name in ("ssh", "ssh-keygen", "rsync") if shutil.which(name) is None] + ([] if SSHD else ["sshd"])
Make = Callable[..., Path]
Read = Callable[[Path], dict[tuple[str, int], str]]

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", r"ConnectionError: RAY_ADDRESS=127.0.0.1:1: nothing answers at 127.0.0.1:1 \(.*refused\); w"),
        ("http://127.0.0.1:8265", "ConfigError: RAY_ADDRESS: expected HOST:PORT of a cluster's head, or auto, got"),
    ],
)
def test_where_no_cluster_is_the_study_says_so_at_once(nodes: Any, address: str, message: str) -> None:
    code = "from study.cluster.connection import connected\nwith connected(): pass"
    printed = nodes.finish(nodes.python("-c", code, environment={"RAY_ADDRESS": address}), 1)
    assert re.search(message, printed)


@pytest.mark.slow
def test_a_cluster_with_a_token_is_closed_to_others(nodes: Any, config: Make, tmp_path: Path) -> None:
    nodes.head()
    (tmp_path / "other").write_text("0" * 64)
    for token in (tmp_path / "other", tmp_path / "none"):
        client = nodes.ganstudy(
            "run", config(), "--out", tmp_path / "study", environment={"RAY_AUTH_TOKEN_PATH": str(token)}
        )
        printed = nodes.finish(client, 1)
        assert "a cluster with a token wants RAY_AUTH_MODE=token and its token in RAY_AUTH_TOKEN" in printed
        assert "Traceback" not in printed
    assert "done: 6 trials" in nodes.finish(nodes.ganstudy("run", config(), "--out", tmp_path / "study"))


@pytest.mark.slow
def test_a_study_is_submitted_as_a_job(
    nodes: Any, config: Make, long: dict[str, Any], alone: Make, curves: Read, tmp_path: Path
) -> None:
    nodes.head(cpus=2, dashboard=True)

    def job(*arguments: object, options: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        to = ["--address", nodes.dashboard, "--working-dir", str(ROOT), *options]
        entrypoint = [sys.executable, "-m", "study", *arguments]
        return nodes.python("-m", "ray.scripts.scripts", "job", "submit", *to, "--", *entrypoint)

    printed = nodes.finish(job("run", config(), "--out", "studies/tiny"), 1)
    assert "--out: expected a folder that stays" in printed
    printed = nodes.finish(job("run", config(), "--out", tmp_path / "job"))
    assert "done: 6 trials, 0 failed" in printed
    assert curves(tmp_path / "job") == curves(alone())
    copies = list(nodes.folder.glob("ray/session_2*/runtime_resources/working_dir_files/*/study"))
    assert copies
    assert not {".venv", ".git", "studies"} & {path.name for copy in copies for path in copy.parent.iterdir()}

    folder, name = tmp_path / "stopped", f"stopped-{secrets.token_hex(4)}"
    longer = {**long, "budget": {**long["budget"], "steps": 6000}}  # `ray job stop` takes seconds to begin
    changed = config(study="long", **longer)
    nodes.finish(job("run", changed, "--out", folder, options=("--no-wait", "--submission-id", name)))
    nodes.wait_for(lambda: (folder / "ledger").exists() and sum(e.kind == "result" for _, e in entries(folder)) > 5)
    stop = ["-m", "ray.scripts.scripts", "job", "stop", "--address", nodes.dashboard, name]
    nodes.finish(nodes.python(*stop))
    assert status(folder).state == "interrupted"
    nodes.finish(job("resume", folder))
    assert curves(folder) == curves(alone(study="long", **longer))


@pytest.fixture
def remote(tmp_path: Path, nodes: Any) -> Iterator[dict[str, Any]]:
    """A machine reached over ssh, this one with a home of its own; what a cluster file says to get there."""
    if MISSING:
        pytest.skip(f"needs Debian's openssh-server, openssh-client and rsync; {', '.join(MISSING)} not found")
    home, user, port = tmp_path / "home", getpass.getuser(), free_port()
    (home / ".venvs").mkdir(parents=True)
    (home / ".venvs" / "ganstudy").symlink_to(sys.prefix)
    (home / ".bashrc").touch()
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / key], check=True)
    connect = tmp_path / "connect"
    login = f"-F none -p {port} -i {tmp_path}/user -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    connect.write_text(f"#!/bin/sh\nexec ssh {login} -o LogLevel=ERROR -W 127.0.0.1:{port} {user}@127.0.0.1\n")
    connect.chmod(0o755)
    known = {
        "HOME": home,
        "PYTHONPATH": home / "ganstudy",  # in place of the installation, which takes minutes
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": 0,
        "RAY_TMPDIR": nodes.folder,
    }
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "user.pub",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "SetEnv": " ".join(f"{name}={value}" for name, value in known.items()),
    }
    (tmp_path / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    log = tmp_path / "sshd.log"
    sshd = subprocess.Popen([str(SSHD), "-D", "-E", str(log), "-f", str(tmp_path / "sshd_config")])
    nodes.wait_for(lambda: sshd.poll() is not None or "Server listening" in (log.read_text() if log.exists() else ""))
    assert sshd.poll() is None, log.read_text()
    yield {"ssh_user": user, "ssh_private_key": str(tmp_path / "user"), "ssh_proxy_command": str(connect)}
    sshd.terminate()
    for process in psutil.process_iter():
        if surroundings(process).get("RAY_TMPDIR") == str(nodes.folder) and process.pid != os.getpid():
            process.send_signal(signal.SIGKILL)


def surroundings(process: psutil.Process) -> dict[str, str]:
    try:
        return dict(process.environ())
    except psutil.Error:
        return {}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_a_study_is_submitted_over_ssh(
    nodes: Any,
    remote: dict[str, Any],
    config: Make,
    alone: Make,
    curves: Read,
    tmp_path: Path,
) -> None:
    described = yaml.safe_load((ROOT / "configs" / "cluster" / "local.yaml").read_text())
    described["provider"] |= {"head_ip": "127.0.0.1", "worker_ips": []}
    described["auth"] = remote
    *mounts, installation = described["setup_commands"]
    assert "pip install" in installation
    # Not `ray stop`, which would end every Ray of this machine; and on loopback.
    start = "ray start --head --node-ip-address=127.0.0.1 --num-cpus=2 --include-dashboard=false"
    options = f"--port={free_port()} --object-store-memory={2**27} --autoscaling-config=~/ray_bootstrap_config.yaml"
    described |= {"setup_commands": mounts, "head_start_ray_commands": [f"{start} {options}"]}
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text(yaml.safe_dump(described))
    mine = tmp_path / "mine"  # the home of who submits
    (mine / ".ray").mkdir(parents=True)
    (mine / ".ray" / "auth_token").write_text(secrets.token_hex(32))
    server = f"sqlite:///{tmp_path}/team.db"
    (mine / ".ganstudy.env").write_text(f"MLFLOW_TRACKING_URI={server}\n")

    def ray(*arguments: object) -> str:
        client = nodes.python("-m", "ray.scripts.scripts", *arguments, environment={"HOME": str(mine)})
        return str(nodes.finish(client))

    ray("up", "--yes", "--no-config-cache", cluster)
    folder = tmp_path / "study"
    submit = ["submit", "--no-config-cache", cluster, ROOT / "configs" / "cluster" / "submit.py", "--"]
    printed = ray(*submit, "run", config(), "--out", folder)
    assert "done: 6 trials, 0 failed" in printed
    assert "(nodes 1, processors 2, GPUs 0)" in printed
    assert curves(folder) == curves(alone())
    assert yaml.safe_load((folder / "study.yaml").read_text())["tracking"]["uri"] == server
    home = tmp_path / "home"
    assert (home / ".ray" / "auth_token").stat().st_mode & 0o777 == 0o600
    ray(*submit, "report", folder)
    assert (folder / "report" / "index.html").is_file()
