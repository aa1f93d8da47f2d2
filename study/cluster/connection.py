"""Ray for one study: the cluster that `RAY_ADDRESS` names, or one of this process's own that listens on loopback."""

from __future__ import annotations

import atexit
import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import AuthenticationError

from ganstudy import taken
from study.background import BackgroundCall
from study.cluster.environment import RAY_ENVIRONMENT
from study.cluster.shortage import place, shortages
from study.config.messages import ConfigError, shown

LOGGER = logging.getLogger(__name__)
OBJECT_STORE = 128 * 2**20  # bytes; results are small and travel inline
NOISY_LOGGERS = ("ray", "ray.tune", "ray.train", "ray.data")
PATIENCE = 10.0  # seconds for a cluster's head to take a connection, and for a start that a signal ended


@contextmanager
def connected(modules: Sequence[Path] = ()) -> Iterator[None]:
    """Connect to Ray and quieten it; leaves it running if it was running before.

    On a cluster its nodes get `modules`, Python files and folders of packages, unless a job's working directory that
    Ray distributes has them.

    Raises:
        ConfigError: `RAY_ADDRESS` is not the address of a cluster's head.
        ConnectionError: no cluster there, or one that rejects this process; or a Ray of its own that does not start.
        KeyboardInterrupt: a signal came; what had been started is ended.
    """
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if ray.is_initialized():
        yield
        return
    place, sent = os.environ.get("RAY_ADDRESS"), [str(path) for path in modules if not deleted_with_job(path)]
    # In a thread of its own: a signal that raised amidst Ray's imports could leave a lock of Python's taken for good,
    # and Ray would take SIGTERM, to end without a word. Its servers die with the thread that started them.
    over = threading.Event()
    start = BackgroundCall(_connect, place, sent, until=over)
    try:
        start()
        yield
    except KeyboardInterrupt:
        if not start.ends(within=PATIENCE):  # it waits for servers that have heard the signal too, Ray's exit likewise
            atexit.register(os._exit, 130)
        raise
    finally:
        if start.ends(within=0):
            ray.shutdown()
        over.set()


def refuse_unreachable() -> None:
    """Raise what `connected` would for a `RAY_ADDRESS` that is no address or where nothing answers; joins nothing."""
    address = os.environ.get("RAY_ADDRESS")
    if ray.is_initialized():
        return
    if address is None:
        _refuse_unusable()
        return
    host, _, port = address.rpartition(":")
    if address != "auto" and not (host and port.isdecimal() and 0 < int(port) < 2**16 and "://" not in address):
        raise ConfigError(
            f"RAY_ADDRESS: expected HOST:PORT of a cluster's head, or auto, got {shown(address)}; a study is run on a"
            " node of the cluster, where `ray job submit` brings it"
        )
    if address != "auto":  # Ray looks for that itself
        _check_listening(address, host, int(port))


def refuse_taken_names() -> None:
    """Raise `ConfigError` where workers would import somebody else's module in place of a package of ours.

    Ray's workers look into the driver's working directory before anything else.
    """
    if message := taken(Path.cwd()):
        raise ConfigError(message)


def notice() -> str | None:
    """A sentence for the user on the Ray in use: which cluster it is, or that others can reach it; None if neither."""
    address = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
    if "RAY_ADDRESS" in os.environ:
        head, there = ray.get_runtime_context().gcs_address, ray.cluster_resources()  # type: ignore[no-untyped-call]
        alive = sum(bool(node["Alive"]) for node in ray.nodes())  # type: ignore[no-untyped-call]
        has = f"nodes {alive}, processors {there.get('CPU', 0):g}, GPUs {there.get('GPU', 0):g}"
        return f"trials run on the cluster at {head} ({has})"
    return None if address.startswith("127.") else f"Ray listens on {address}, where others can reach it"


def deleted_with_job(folder: Path) -> bool:
    """Whether a folder lies where Ray unpacks a job's working directory, which it deletes when the job is over."""
    return "runtime_resources" in folder.resolve().parts


def _connect(address: str | None, modules: list[str]) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL", "configure_logging": False}
    if address is not None:
        _attach(address, quiet, modules)
        return
    try:
        _start(quiet)
    except Exception as error:  # Ray's own are of many kinds, bare `Exception` among them
        if "AF_UNIX" in str(error):
            which = "RAY_TMPDIR" if os.environ.get("RAY_TMPDIR") else "TMPDIR"
            raise ConnectionError(f"Ray could not start: {_line(error)}; set {which} to a shorter path") from error
        LOGGER.info("Ray did not start; trying once more: %s", _line(error))
        try:
            _start(quiet)
        except Exception as again:
            said = _line(again)
            raise ConnectionError(
                f"Ray could not start, tried twice: {said}; {shortages(said)}; Ray's own account is in {place()}"
            ) from again
    with suppress(OSError):  # Ray writes it for all to read
        (Path.home() / ".ray" / "auth_token").chmod(0o600)


def _start(quiet: dict[str, Any]) -> None:
    """Start a Ray of this process's own; what of it did start goes where the rest did not."""
    try:
        ray.init(address="local", include_dashboard=False, object_store_memory=OBJECT_STORE, **quiet)
    except Exception:
        ray.shutdown()
        raise


def _line(error: Exception) -> str:
    """The first line of what Ray says, as most of the others are about where in Ray it was."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _attach(address: str, quiet: dict[str, Any], modules: list[str]) -> None:
    """Join a cluster, whose workers get the variables that this process's own would inherit, and the modules."""
    refuse_unreachable()
    surroundings: dict[str, Any] = {"env_vars": {name: os.environ[name] for name in RAY_ENVIRONMENT}}
    if modules:
        surroundings["py_modules"] = modules
    try:
        ray.init(address=address, runtime_env=surroundings, **quiet)
    except (ConnectionError, AuthenticationError, RuntimeError) as error:
        if "Version mismatch" in str(error):
            said = " ".join(str(error).split())
            raise ConnectionError(
                f"RAY_ADDRESS={address}: {said}; install the cluster's versions here, or these on all of its nodes"
            ) from error
        raise ConnectionError(
            f"RAY_ADDRESS={address}: {_line(error)}; a cluster with a token wants RAY_AUTH_MODE=token and"
            " its token in RAY_AUTH_TOKEN, in the file RAY_AUTH_TOKEN_PATH or in ~/.ray/auth_token"
        ) from error


def _refuse_unusable() -> None:
    """Raise `ConfigError` where Ray would keep its sockets under a relative path, which its servers cannot find, under
    one that is not ASCII, which it cannot pass on to them, or in a file."""
    for name in ("RAY_TMPDIR", "TMPDIR"):
        if given := os.environ.get(name):
            if not Path(given).is_absolute():
                raise ConfigError(f"{name}: expected an absolute path, where Ray keeps its sockets, got {shown(given)}")
            if not given.isascii():
                raise ConfigError(f"{name}: expected a path in ASCII, where Ray keeps its sockets, got {shown(given)}")
            if Path(given).is_file():
                raise ConfigError(f"{name}: expected a folder, where Ray keeps its sockets, got the file {given}")
            return


def _check_listening(address: str, host: str, port: int) -> None:
    """Raise `ConnectionError` if nothing listens at HOST:PORT."""
    loopback = host == "localhost" or host.startswith("127.")
    reached = str(ray.util.get_node_ip_address()) if loopback else host  # type: ignore[no-untyped-call]
    try:
        socket.create_connection((reached, port), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        hint = "; with a head on loopback alone, set RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 here too" if loopback else ""
        raise ConnectionError(f"RAY_ADDRESS={address}: nothing answers at {reached}:{port} ({error}){hint}") from None
