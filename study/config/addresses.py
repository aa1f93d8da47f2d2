"""Addresses in a configuration: which are valid storage locations and places of MLflow, and their secrets masked."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from study.config.messages import shown

SCHEMES = ("s3", "gs")
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")  # that MLflow keeps runs in
_USER = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://)[^/\s]*@")
_HOST = re.compile(r"\w([\w.-]*\w)?\.?|\[[0-9A-Fa-f:.]+\]")
_QUERY = re.compile(r"([?&][^=&\s]*(?:password|passwd|token|secret|key|sig)[^=&\s]*=)[^&\s]+", re.IGNORECASE)


def masked(text: str) -> str:
    """The text without the secrets of addresses in it: `https://user:password@host` becomes `https://***@host`."""
    return _QUERY.sub(r"\1***", _USER.sub(r"\1***@", text))


def problem_of(storage: str) -> str | None:
    """What is wrong with a setting of `resources.storage`, judged by its form alone; None if nothing is."""
    if masked(storage) != storage:
        return f"expected an address without credentials (set them in each node's environment), got {masked(storage)}"
    if "://" not in storage:
        return None if Path(storage).is_absolute() else f"expected an absolute path or an address, got {shown(storage)}"
    parts = urlsplit(storage)
    if parts.scheme not in SCHEMES or not parts.netloc:
        return f"expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or an absolute path, got {shown(storage)}"
    return None


def file_of(uri: str) -> Path | None:
    """The file that a valid `tracking.uri` names; None where it names none."""
    address = uri.partition("?")[0]
    return Path(address.partition("///")[2]) if address.startswith("sqlite") else None


def of_sqlite(file: Path) -> str:
    """The address of an SQLite file; SQLAlchemy 2.1 undoes what is quoted here."""
    return f"sqlite:///{str(file).replace('%', '%25').replace('?', '%3F')}"


def tracking_problem(uri: str) -> str | None:
    """What is wrong with a setting of `tracking.uri`, judged by its form alone; None if nothing is."""
    if (hidden := masked(uri)) != uri:
        return (
            f"expected an address without a password, got {hidden}; MLflow reads one from"
            " MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    scheme, slashes, rest = uri.partition("://")
    kind, plus, driver = scheme.partition("+")
    if not uri.isprintable() or any(character.isspace() for character in uri):
        valid = False
    elif uri == "databricks":
        valid = True
    elif not slashes or bool(plus) != bool(driver):
        valid = False
    elif kind == "sqlite":
        path = rest.partition("?")[0]
        valid = path.startswith("//") and not path.endswith("/")
    elif scheme in ("http", "https", "databricks") or kind in DATABASES:
        valid = _has_host(uri)
    else:
        valid = False
    if valid:
        return None
    return (
        f"expected http://HOST or https://HOST, databricks, sqlite:////ABSOLUTE/PATH, or {DATABASES[1]}://HOST/DATABASE"
        f" (or {' or '.join(DATABASES[2:])}), got {shown(uri)}"
    )


def _has_host(address: str) -> bool:
    """Whether an address names a host, and a port only from 1 to 65535."""
    try:
        parts = urlsplit(address)
        return parts.port != 0 and bool(_HOST.fullmatch(re.sub(r":[0-9]*$", "", parts.netloc)))
    except ValueError:  # of a port or brackets
        return False
