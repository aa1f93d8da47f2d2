import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config.schema import StudyConfig
from study.tracking import ServerError, Tracker, local, serve, server, sync, trouble, views, waiting
from study.tracking.environment import prepare
from study.tracking.server import free_port, running

Write = Callable[..., None]
Trial = Callable[..., list[dict[str, Any]]]
Story = Callable[[Path], Any]
ROOT = Path(__file__).parents[3]


def at(config: StudyConfig, address: str) -> StudyConfig:
    return config.model_copy(update={"tracking": config.tracking.model_copy(update={"uri": address})})


def processes_with(words: str) -> list[int]:
    """The live processes whose command line holds all of the words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line:
            found.append(int(path.parent.name))
    return found


def started(folder: Path, port: int) -> subprocess.Popen[str]:
    """`serve` in a process of its own, its address printed."""
    code = f"from study.tracking import serve; serve({str(folder)!r}, port={port})"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(f"MLflow: http://127.0.0.1:{port}")
    return process


def await_free(port: int) -> None:
    """Wait until what was killed has closed its port, which takes the kernel a moment."""
    deadline = time.monotonic() + 30
    while True:
        try:
            free_port(port=port)
        except ServerError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def team(with_database: Callable[[str], Path]) -> Path:
    """The folder of a team's server, with a database that holds nothing yet."""
    return with_database("team")


def test_a_server_that_comes_up_late_gets_everything_and_ctrl_c_ends_it(
    folder: Path,
    config: StudyConfig,
    write: Write,
    trial: Trial,
    expected: Story,
    tracked: Story,
    team: Path,
    picture_file: str,
) -> None:
    port = free_port()
    remote = at(config, f"http://127.0.0.1:{port}")
    write(*[{**entry, "pictures": picture_file} if entry.get("step") == 20 else entry for entry in trial(0)])
    follower = Tracker(folder, remote)
    follower.start()
    assert follower.drain(0.2) == waiting(folder) == 6
    while trouble(folder) is None:
        time.sleep(0.05)
    assert "MlflowException" in str(trouble(folder))
    process = started(team, port)
    try:
        assert follower.drain(60, "FINISHED") == 0
        follower.close()
        assert trouble(folder) is None
        assert tracked(team) == expected(folder)
        assert len(list(team.glob("artifacts/**/images/samples+step+20+*"))) == 2
        assert processes_with(f"--port {port}")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(
                urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": "evil.example"})
            )
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert process.stdout is not None
    assert process.stdout.read() == "stopped\n"
    assert processes_with(f"--port {port}") == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.slow
def test_a_server_killed_twice_during_a_study_ends_with_the_ledgers_rows(
    folder: Path,
    config: StudyConfig,
    write: Write,
    trial: Trial,
    expected: Story,
    tracked: Story,
    team: Path,
) -> None:
    port = free_port()
    follower = Tracker(folder, at(config, f"http://127.0.0.1:{port}"), pace=0.05)
    write(*trial(0))
    follower.start()
    for round_ in range(3):
        with running(team, port=port) as (process, _):
            for index in range(1 + 20 * round_, 21 + 20 * round_):
                write(*trial(index), begin=False)
                follower.notify()
                time.sleep(0.05)
            if round_ < 2:
                os.killpg(process.pid, signal.SIGKILL)
                await_free(port)
            else:
                assert follower.drain(120, "FINISHED") == 0
    follower.close()
    assert tracked(team) == expected(folder)
    assert len(tracked(team)) == 61


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_signal_ends_the_page_with_its_children(
    number: int, status: int, folder: Path, config: StudyConfig, write: Write
) -> None:
    write()
    assert sync(folder, config) == 0
    port = free_port()
    process = started(folder, port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
        assert b"<title>MLflow" in page.read()
    process.send_signal(number)
    assert process.wait(60) == status
    deadline = time.monotonic() + 30  # what is killed cannot wait for its children
    while number == signal.SIGKILL and processes_with(f"--port {port}") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_with(f"--port {port}") == []


def test_the_address_opens_the_studys_runs_by_a_view_where_there_is_one(folder: Path) -> None:
    prepare()
    from mlflow import MlflowClient

    client = MlflowClient(local.database_uri(folder))
    assert server._page(folder) == ""
    made = client.create_experiment("rings")
    assert server._page(folder) == f"/#/experiments/{made}/runs?workflowType=machine_learning"
    client.set_experiment_tag(made, views.TAG + views.ARMS, "{}")
    assert server._page(folder).endswith("?workflowType=machine_learning&viewStateShareKey=ganstudy-arms")


def test_a_study_without_a_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"expected mlflow\.db, which a study tracked in its folder has, got none"
    ):
        serve(tmp_path)


@pytest.mark.parametrize("host", ["", "a\0b", "\ud800", "x" * 300, "a..b"])
def test_a_host_that_is_no_name_is_refused(host: str) -> None:
    with pytest.raises(ServerError, match="--host: expected an address of this machine, got "):
        free_port(host)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + 5000 * b"\0"])
def test_a_database_that_is_damaged_is_refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / local.DATABASE).write_bytes(content)
    with pytest.raises(
        ServerError, match=r"mlflow\.db: expected MLflow's database, got .*`ganstudy resume` writes both"
    ):
        serve(tmp_path)


def test_a_port_that_is_taken_and_a_host_that_is_elsewhere_are_refused(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=f"--port: expected a free one, got {port}, at which something listens"):
            serve(folder, port=port)
    assert free_port(port=port) == port
    with pytest.raises(ServerError, match=r"--host: expected an address of this machine, got '203\.0\.113\.1'"):
        serve(folder, host="203.0.113.1")


def test_a_server_that_cannot_start_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such option')"]
    monkeypatch.setattr(server, "_command", lambda *_: command)
    with pytest.raises(ServerError, match="did not start:\nno such option"):
        serve(folder)


def test_a_server_that_does_not_answer_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = f"import time; time.sleep({time.monotonic_ns()})"
    monkeypatch.setattr(server, "_command", lambda *_: [sys.executable, "-c", marker])
    monkeypatch.setattr(server, "START_LIMIT", 0.5)
    with pytest.raises(ServerError, match="did not start"):
        serve(folder)
    assert processes_with(marker) == []


def test_a_server_that_hears_no_sigterm_is_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep({time.monotonic_ns()})"
    monkeypatch.setattr(server, "_command", lambda *_: [sys.executable, "-c", marker])
    monkeypatch.setattr(server, "START_LIMIT", 1.0)
    monkeypatch.setattr(server, "STOP_LIMIT", 1.0)
    with pytest.raises(ServerError, match="did not start"):
        serve(folder)
    assert processes_with(marker) == []


def test_listening_beyond_this_machine_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    server._announce("http://127.0.0.1:1", "127.0.0.1")
    assert "beyond" not in capsys.readouterr().out
    server._announce("http://0.0.0.0:1", "0.0.0.0")
    assert "beyond this machine" in capsys.readouterr().out
