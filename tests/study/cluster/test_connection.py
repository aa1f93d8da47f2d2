import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray._private.utils import check_version_info

from study.cluster import connection
from study.cluster.connection import connected, deleted_with_job, notice, refuse_taken_names, refuse_unreachable
from study.cluster.environment import RAY_ENVIRONMENT
from study.config.messages import ConfigError

FAMILY = ("raylet", "gcs_server")


def listening(names: tuple[str, ...]) -> dict[str, set[str]]:
    """Where processes of these names below this one listen: name -> hexadecimal addresses of /proc/net/tcp."""
    sockets: dict[str, str] = {}
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                sockets[f"socket:[{fields[9]}]"] = fields[1].split(":")[0]
    found: dict[str, set[str]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, parent = (
                (process / "comm").read_text().strip(),
                (process / "stat").read_text().rsplit(")", 1)[1].split()[1],
            )
            if name in names and parent == str(os.getpid()):
                links = {os.readlink(link) for link in (process / "fd").iterdir()}
                found.setdefault(name, set()).update(sockets[link] for link in links & sockets.keys())
        except OSError:
            continue
    return found


@pytest.mark.xdist_group("ray")
@pytest.mark.usefixtures("shared_ray")
def test_a_ray_of_ones_own_listens_on_loopback_alone() -> None:
    assert notice() is None
    found = listening(FAMILY)
    assert set(found) == set(FAMILY)
    assert set().union(*found.values()) <= {"0100007F", "0000000000000000FFFF00000100007F"}


@pytest.mark.xdist_group("ray")
@pytest.mark.usefixtures("shared_ray")
def test_a_ray_that_runs_already_is_used_and_left_running() -> None:
    node = ray.get_runtime_context().get_node_id()
    with connected():
        assert ray.get_runtime_context().get_node_id() == node
    assert ray.is_initialized()


@pytest.mark.xdist_group("ray")
@pytest.mark.usefixtures("shared_ray")
def test_the_token_is_for_its_owner_alone() -> None:
    token = Path.home() / ".ray" / "auth_token"
    if not token.exists():
        pytest.skip("this Ray uses no token")
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def variables(**environment: str) -> dict[str, str]:
    """The environment that a process has after importing `study.cluster.environment`."""
    code = "import os, json, study.cluster.environment; print(json.dumps(dict(os.environ)))"
    kept = {
        name: value for name, value in os.environ.items() if name not in RAY_ENVIRONMENT and not name.startswith("RAY_")
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, **environment}, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def test_ray_and_tune_are_quiet_and_on_loopback_by_default() -> None:
    found = variables()
    assert RAY_ENVIRONMENT.items() <= found.items()
    assert found["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"


def test_on_a_cluster_the_network_is_left_alone() -> None:
    assert "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER" not in variables(RAY_ADDRESS="10.0.0.1:6379")


@pytest.mark.parametrize("none", ["", "local"])
def test_an_address_that_is_none_is_none(none: str) -> None:
    found = variables(RAY_ADDRESS=none)
    assert "RAY_ADDRESS" not in found
    assert found["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"


def test_what_ray_unpacks_for_a_job_is_temporary(tmp_path: Path) -> None:
    assert deleted_with_job(tmp_path / "session" / "runtime_resources" / "working_dir_files" / "package" / "studies")
    assert not deleted_with_job(tmp_path / "studies")


def test_what_the_user_has_set_stays() -> None:
    found = variables(TUNE_PRINT_ALL_TRIAL_ERRORS="1", RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="1")
    assert found["TUNE_PRINT_ALL_TRIAL_ERRORS"] == "1"
    assert found["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "1"


def test_a_module_of_our_name_in_the_working_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refuse_taken_names()
    (tmp_path / "analysis.py").touch()
    with pytest.raises(ConfigError, match=f"^analysis: expected ganstudy's own package, .* got {tmp_path}/analysis.py"):
        refuse_taken_names()


@pytest.mark.parametrize(
    "address",
    ["foo", "10.0.0.1", "10.0.0.1:x", "10.0.0.1:0", "10.0.0.1:99999", ":6379", "ray://head:10001", "http://h:8265"],
)
def test_an_address_that_none_could_be_reached_at_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(
        ConfigError, match=f"^RAY_ADDRESS: expected HOST:PORT of a cluster's head, or auto, got '{address}'"
    ):
        refuse_unreachable()


def starting(monkeypatch: pytest.MonkeyPatch, *failures: Exception) -> list[str]:
    """Ray's starts fail as told, and then one does not; returns what is called, in order."""
    called: list[str] = []
    left = list(failures)

    def init(**_: object) -> None:
        called.append("init")
        if left:
            raise left.pop(0)

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: called.append("shutdown"))
    return called


def test_a_ray_that_does_not_start_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    called = starting(monkeypatch, Exception("The current node timed out during startup. This could happen"))
    with connected():
        assert called == ["init", "shutdown", "init"]


def test_a_ray_that_never_starts_is_said_in_a_line_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    called = starting(monkeypatch, *(Exception("The current node timed out\nin a second line") for _ in range(2)))
    monkeypatch.setattr(connection, "shortages", lambda _: "make room")
    said = "^Ray could not start, tried twice: The current node timed out; make room; Ray's own account is in .*/ray$"
    with pytest.raises(ConnectionError, match=said), connected():
        pass
    assert called == ["init", "shutdown", "init", "shutdown", "shutdown"]


@pytest.mark.parametrize("name", ["RAY_TMPDIR", "TMPDIR"])
@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("here", "an absolute path, where Ray keeps its sockets, got 'he"),
        ("/a\udcff", r"a path in ASCII, .* '/a\\udcff'"),
        ("/tmp/é", r"a path in ASCII, .* '/tmp/é'"),
        (__file__, "a folder, where Ray keeps its sockets, got the file .*test_connection.py"),
    ],
)
def test_a_temporary_folder_that_ray_cannot_use_is_refused(
    name: str, folder: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    for variable in ("RAY_ADDRESS", "RAY_TMPDIR", "TMPDIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, folder)
    with pytest.raises(ConfigError, match=f"^{name}: expected {said}"):
        refuse_unreachable()
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    refuse_unreachable()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT is Python's own, whatever ran in this process before."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)


@pytest.mark.usefixtures("interruptible")
def test_a_signal_while_ray_starts_ends_what_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not break off Ray's start, which would leave servers behind that nobody knows of."""
    called = starting(monkeypatch)

    def init(**_: object) -> None:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        called.append("started")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(KeyboardInterrupt), connected():
        pass
    assert called == ["started", "shutdown"]


@pytest.mark.usefixtures("interruptible")
def test_a_start_that_waits_for_servers_that_have_gone_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    called, over = starting(monkeypatch), threading.Event()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    monkeypatch.setattr(ray, "init", lambda **_: over.wait(10))
    monkeypatch.setattr(connection, "PATIENCE", 0.1)
    monkeypatch.setattr(connection.atexit, "register", lambda *what: called.append(what))
    with pytest.raises(KeyboardInterrupt), connected():
        pass
    assert called[-1] == (os._exit, 130)  # the last is called first
    over.set()


def test_a_temporary_folder_too_long_for_sockets_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    called = starting(monkeypatch, *[OSError("validate_socket_filename failed: AF_UNIX path length too long")] * 2)
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    with pytest.raises(ConnectionError, match=r"AF_UNIX .*; set RAY_TMPDIR to a shorter path$"), connected():
        pass
    called.clear()
    monkeypatch.delenv("RAY_TMPDIR")
    with pytest.raises(ConnectionError, match=r"AF_UNIX path length .*; set TMPDIR to a shorter path$"), connected():
        pass
    assert called == ["init", "shutdown", "shutdown"]


def test_a_cluster_of_another_version_is_said_with_both_and_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    starting(monkeypatch)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setattr(connection, "refuse_unreachable", lambda: None)
    theirs = {"ray_version": "1.9", "python_version": "3.8.1"}
    monkeypatch.setattr(ray, "init", lambda **_: check_version_info(theirs, "node 10.0.0.2"))
    said = r"^RAY_ADDRESS=10.0.0.1:6379: Version mismatch: The cluster .* Ray: 1.9 Python: 3.8.1 This .*; install the"
    with pytest.raises(ConnectionError, match=said), connected():
        pass
