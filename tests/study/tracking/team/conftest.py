"""A team's MLflow: a real PostgreSQL, a real `mlflow server` over it with accounts, and a line to it that can fail."""

import json
import os
import pwd
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from study.config.schema import StudyConfig
from study.ledger.entries import Session
from study.ledger.ledger import Ledger
from study.ledger.validation import from_json
from study.tracking import server, tracker
from study.tracking.environment import SERVER
from study.tracking.server import free_port

HOST = server.LOOPBACK
BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=Path("/absent/postgres")).parent
PATIENCE = 60.0  # seconds for a server on a busy machine
Rows = dict[str, list[tuple[str, float, int, int]]]


class Database:
    """A PostgreSQL of our own in `folder`: on loopback, with a password, run by a user without rights."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.password = folder, free_port(), secrets.token_hex(12)
        name = "postgres" if any(user.pw_name == "postgres" for user in pwd.getpwall()) else "nobody"
        self._as: dict[str, Any] = {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}
        if os.geteuid() != 0:  # PostgreSQL refuses to run as root, and nobody else may change users
            self._as = {}
        folder.mkdir()
        secret = folder / "password"
        secret.write_text(self.password)
        for path in (folder, secret) if self._as else ():
            shutil.chown(path, name)
        options = ["--auth=scram-sha-256", f"--pwfile={secret}", "--locale=C", "--encoding=UTF8", "--wal-segsize=1"]
        initdb = [str(BINARIES / "initdb"), "-D", str(folder / "data"), "-U", "mlflow", "--no-sync", *options]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **self._as)

    def url(self, database: str) -> str:
        """The database as SQLAlchemy addresses it."""
        return f"postgresql+psycopg://mlflow:{self.password}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start it; after a kill that takes until the former one's children are gone."""
        deadline = time.monotonic() + PATIENCE
        self._launch()
        while not self._answers():
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            if self.process.poll() is not None:
                self._launch()
            time.sleep(0.1)

    def _launch(self) -> None:
        places = ["-D", str(self.folder / "data"), "-h", HOST, "-p", str(self.port), "-k", ""]
        sizes = ["-c", "max_wal_size=8MB", "-c", "min_wal_size=2MB"]
        command = [str(BINARIES / "postgres"), *places, *sizes]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=self.folder, **self._as)

    def _answers(self) -> bool:
        with suppress(Exception):
            return bool(self.query("SELECT 1", "postgres"))
        return False

    def kill(self) -> None:
        """SIGKILL the postmaster; its children notice and go."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)

    def query(self, sql: str, database: str = "mlflow") -> list[tuple[Any, ...]]:
        import psycopg

        url = self.url(database).replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            found = connection.execute(sql)  # type: ignore[call-overload]
            return found.fetchall() if found.description else []


class Team:
    """An MLflow server with accounts over `database`, its artifacts in `folder`."""

    ADMIN = "admin"

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database, self.port = folder, database, free_port()
        self.admin = secrets.token_hex(12)
        for name in ("mlflow", "mlflow_auth"):
            database.query(f"CREATE DATABASE {name}", "postgres")
        settings = {
            "default_permission": "READ",
            "database_uri": database.url("mlflow_auth"),
            "admin_username": self.ADMIN,
            "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
            "auth_cache_ttl_seconds": 60,
        }
        lines = ["[mlflow]", *(f"{name} = {value}" for name, value in settings.items())]
        (folder / "basic_auth.ini").write_text("\n".join(lines))
        self._environment = {
            **os.environ,
            **SERVER,
            "MLFLOW_BACKEND_STORE_URI": database.url("mlflow"),
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "basic_auth.ini"),
            "MLFLOW_AUTH_ADMIN_PASSWORD": self.admin,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
        }
        self.artifacts = folder / "artifacts"
        self.artifacts.mkdir()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        options = {"--artifacts-destination": str(self.artifacts), "--host": HOST, "--port": str(self.port)}
        words = [word for option in options.items() for word in option]
        command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1", *words]
        with (self.folder / "server.log").open("ab") as log, (self.folder / "server.log").open("rb") as said:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, env=self._environment, start_new_session=True
            )
            server._await(self.process, self.address, said)

    def kill(self) -> None:
        """SIGKILL the server and all its workers."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def largest_file(self, size: int) -> None:
        """Let the kernel refuse the server to write files of more than `size` bytes (-1: any size)."""
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if os.getpgid(int(path.name)) == self.process.pid:
                    limits = resource.prlimit(int(path.name), resource.RLIMIT_FSIZE)
                    resource.prlimit(int(path.name), resource.RLIMIT_FSIZE, (size, limits[1]))

    def account(self, name: str) -> str:
        """A new user without special rights; the password."""
        password = secrets.token_hex(12)
        self.ask("users/create", username=name, password=password)
        return password

    def ask(self, what: str, version: str = "2.0", **values: Any) -> Any:
        """Post to MLflow's API as the administrator."""
        key = b64encode(f"{self.ADMIN}:{self.admin}".encode()).decode()
        headers = {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
        url = f"{self.address}/api/{version}/mlflow/{what}"
        request = urllib.request.Request(url, json.dumps(values).encode(), headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"{}")

    def tracked(self, study: str) -> Rows:
        """The metric rows of every trial's run of an experiment, by plain SQL: run name -> (key, value, ms, step)."""
        rows: Rows = {}
        for name, *row in self.database.query(f"""
            SELECT runs.name, metrics.key, CASE WHEN metrics.is_nan THEN NULL ELSE metrics.value END,
                metrics.timestamp, metrics.step
            FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'level' AND tags.value = 'trial'
            JOIN experiments USING (experiment_id) LEFT JOIN metrics ON metrics.run_uuid = runs.run_uuid
            WHERE runs.lifecycle_stage = 'active' AND experiments.name = '{study}'
        """):
            rows.setdefault(name, []).extend([tuple(row)] if row[0] is not None else [])  # type: ignore[list-item]
        return {name: sorted(found, key=lambda row: (row[0], row[3])) for name, found in rows.items()}

    def runs(self, study: str) -> list[tuple[str, str]]:
        """Name and status of every active run of an experiment, the study's own among them."""
        return sorted(
            self.database.query(f"""
                SELECT runs.name, runs.status FROM runs JOIN experiments USING (experiment_id)
                WHERE runs.lifecycle_stage = 'active' AND experiments.name = '{study}'
            """)  # type: ignore[arg-type]
        )


class Line:
    """A TCP line to `port` that can be cut, stopped, slowed, or answered by a proxy that has no server behind it."""

    UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def __init__(self, port: int) -> None:
        self.port, self._to = free_port(), port
        self.delay = 0.0  # seconds before every piece
        self.unavailable = False  # a 503 for every request
        self.deaf = False  # requests reach the server, answers are lost
        self.flowing = threading.Event()  # cleared: pieces wait, and go on when set
        self.flowing.set()
        self.late = b""  # the next request with these bytes in it waits for `arrival`, others overtake it
        self.arrival = threading.Event()
        self._listener: socket.socket | None = None
        self._ends: list[socket.socket] = []
        self.connect()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def connect(self) -> None:
        self._listener = socket.create_server((HOST, self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Refuse connections from now on, and break those that stand."""
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._ends.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                self._ends.append(caller)
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with caller, suppress(OSError), socket.create_connection((HOST, self._to)) as called:
            back = threading.Thread(target=self._answer, args=(called, caller), daemon=True)
            back.start()
            self._ask(caller, called)
            back.join()

    def _ask(self, caller: socket.socket, called: socket.socket) -> None:
        with suppress(OSError):
            while piece := caller.recv(1 << 16):
                time.sleep(self.delay)
                self.flowing.wait()
                if self.late and self.late in piece:
                    self.late = b""
                    self.arrival.wait()
                if self.unavailable:
                    caller.sendall(self.UNAVAILABLE)
                    break
                called.sendall(piece)
        with suppress(OSError):
            called.shutdown(socket.SHUT_WR)

    def _answer(self, called: socket.socket, caller: socket.socket) -> None:
        with suppress(OSError):
            while piece := called.recv(1 << 16):
                time.sleep(self.delay)
                self.flowing.wait()
                if self.deaf:
                    break
                caller.sendall(piece)
        with suppress(OSError):
            caller.shutdown(socket.SHUT_RDWR)


@contextmanager
def team_in(folder: Path) -> Iterator[Team]:
    database = Database(folder / "postgres")
    database.start()
    try:
        team = Team(folder, database)
        team.start()
        try:
            yield team
        finally:
            team.kill()
    finally:
        database.stop()


@pytest.fixture(scope="session", name="team_in")
def _team_in() -> Callable[[Path], Any]:
    return team_in


@pytest.fixture(scope="session")
def team_server() -> Iterator[Team]:
    """One server for all tests of a process; each takes a study name, a user and a line of its own."""
    pytest.importorskip("psycopg", exc_type=ImportError)
    if not (BINARIES / "postgres").exists():
        pytest.skip("Debian's postgresql is not installed")
    folder = Path(tempfile.mkdtemp(prefix="ganstudy-team-"))
    folder.chmod(0o711)  # PostgreSQL's user passes through
    try:
        with team_in(folder) as team:
            yield team
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def team(team_server: Team, monkeypatch: pytest.MonkeyPatch) -> Team:
    """The server, a new plain user's name and password in the environment, and a tracker that tries again soon."""
    name = f"user-{secrets.token_hex(4)}"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", team_server.account(name))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setattr(tracker, "LONGEST_PAUSE", 0.5)
    return team_server


@pytest.fixture
def line(team: Team) -> Iterator[Line]:
    line = Line(team.port)
    yield line
    line.flowing.set()
    line.arrival.set()
    line.cut()


@pytest.fixture
def config(config: StudyConfig, line: Line) -> StudyConfig:
    """A study of a new name, tracked over the line."""
    tracking = config.tracking.model_copy(update={"uri": line.address})
    return config.model_copy(update={"study": f"ring-{secrets.token_hex(4)}", "tracking": tracking})


@pytest.fixture
def another(tmp_path: Path, config: StudyConfig) -> Callable[..., Path]:
    """A second study of the same name: its folder, with a session and the given entries in the ledger."""

    def make(*story: dict[str, Any]) -> Path:
        session = Session(config=config.resolved(), time=1_699_999_000.0)
        with Ledger.open(tmp_path / "another") as ledger:
            ledger.append(session, *map(from_json, story))
        return tmp_path / "another"

    return make
