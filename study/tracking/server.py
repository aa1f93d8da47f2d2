"""MLflow's own page for a study that was tracked inside its folder, served on this machine until interrupted."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from study.tracking import local, views
from study.tracking.environment import SERVER

Server = subprocess.Popen[bytes]
LOOPBACK = "127.0.0.1"
START_LIMIT, STOP_LIMIT = 120.0, 5.0  # seconds
GUARD = f"""
import os, signal, subprocess, sys, threading, time
def end():
    sys.stdin.read()
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.killpg(0, number)
        time.sleep({STOP_LIMIT})
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
threading.Thread(target=end, daemon=True).start()
os._exit(server.wait() % 256)
"""  # runs a server, and ends it once its own input ends, as it does with the process that it is from, killed or not


class ServerError(RuntimeError):
    """MLflow's server did not start; the message ends with what it said."""


def serve(folder: str | Path, host: str = LOOPBACK, port: int | None = None) -> None:
    """Serve MLflow's page for the study in `folder` until ctrl-C or SIGTERM, then end it with all its children.

    Args:
        folder: the study's folder.
        host: the interface; whoever can reach it can read and change the study's runs.
        port: None takes a free one.

    Raises:
        FileNotFoundError: the folder has no `mlflow.db`.
        ServerError: the database cannot be used, or the server could not start.
    """
    folder = Path(folder)
    if not (folder / local.DATABASE).is_file():
        raise FileNotFoundError(
            f"{folder}: expected {local.DATABASE}, which a study tracked in its folder has, got none"
        )
    try:
        local.settle(folder)
    except sqlite3.Error as error:
        raise ServerError(local.unusable(folder, error)) from None
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with running(folder, host, port) as (process, address):
            _announce(address + _page(folder), host)
            process.wait()
            raise ServerError(f"MLflow's server at {address} ended with status {process.returncode}")
    except KeyboardInterrupt:
        print("stopped", flush=True)
    finally:
        signal.signal(signal.SIGTERM, former)


@contextmanager
def running(folder: Path, host: str = LOOPBACK, port: int | None = None) -> Iterator[tuple[Server, str]]:
    """An MLflow server over a folder's database as (process, address), answering; it ends with the block."""
    port = free_port(host, port or 0)
    with TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", GUARD, *_command(folder, host, port)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **SERVER},
            start_new_session=True,
        )
        try:
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            _await(process, address.replace("0.0.0.0", LOOPBACK), output)
            local.remove_stray(folder)
            yield process, address
        finally:
            _end(process)


def free_port(host: str = LOOPBACK, port: int = 0) -> int:
    """A port that nobody listens on at this moment: this one, unless it is 0.

    Raises `ServerError` where somebody does, as another study's server that would answer in place of this one's, and
    where the host is no address of this machine.
    """
    if not host:  # which would be every address
        raise ServerError("--host: expected an address of this machine, got ''")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was left a moment ago is free
        try:
            listener.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ServerError(f"--port: expected a free one, got {port}, at which something listens") from None
            raise ServerError(f"--host: expected an address of this machine, got {host!r} ({error.strerror})") from None
        except (ValueError, TypeError) as error:  # no name at all: of a NUL, or of a label that is too long
            raise ServerError(f"--host: expected an address of this machine, got {host!r} ({error})") from None
        return int(listener.getsockname()[1])


def _command(folder: Path, host: str, port: int) -> list[str]:
    """One worker and no job runner: 8 s to start and 0.4 GB, against 21 s and 1.5 GB."""
    options = {
        "--backend-store-uri": local.database_uri(folder),
        "--artifacts-destination": local.artifact_uri(folder),
        "--host": host,
        "--port": str(port),
        "--workers": "1",
    }
    return [sys.executable, "-m", "mlflow", "server", *(word for option in options.items() for word in option)]


def _page(folder: Path) -> str:
    """Where the study's runs are, after the address of MLflow's server: the arms, sorted by the metric searched for."""
    found = local.experiment_in(folder, views.TAG + views.ARMS)
    if found is None:
        return ""
    experiment, shown = found
    return f"/#/experiments/{experiment}/runs{views.query(views.ARMS if shown else None)}"


def _announce(address: str, host: str) -> None:
    print(f"MLflow: {address}   (ctrl-C ends it)", flush=True)
    if host not in (LOOPBACK, "::1", "localhost"):
        print("It listens beyond this machine: whoever reaches it can read and change these runs.", flush=True)


def _await(process: Server, address: str, output: IO[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5):
            return
        time.sleep(0.2)
    output.seek(0)
    said = output.read().decode(errors="replace").strip()[-2000:]
    raise ServerError(f"MLflow's server at {address} did not start:\n{said}")


def _end(process: Server) -> None:
    """End the server's whole process group by SIGTERM, then SIGKILL; signals to this process do not cut that short."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(STOP_LIMIT)
    assert process.stdin is not None
    process.stdin.close()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
