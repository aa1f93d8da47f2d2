"""A study's data: read by the driver before anything starts, and the same on every worker.

Reading pictures takes minutes. What was read of them is therefore kept in the study's store, under a name that follows
from the content of the files, and workers and later sessions take it from there. With `resources.storage` all data from
files are, as a cluster's nodes need not see the files.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from study.config.messages import ConfigError, brief
from study.storage.store import Store
from trainables import data as data_sets
from trainables.data import DataSet, saved
from trainables.metrics import evaluator

if TYPE_CHECKING:  # the driver's, as in `study.storage.store`
    from study.config.schema import StudyConfig

FOLDER = "data"  # of the store


@dataclass(frozen=True)
class DataAt:
    """How a worker gets the data: from the `copy` in the store, None: by their settings. They must have the `digest`,
    None: whatever they have, as for data that are drawn, where processors may differ in a last bit."""

    copy: str | None = None
    digest: str | None = None


FROM_SETTINGS = DataAt()


@dataclass
class DataRead:
    """The data of a session as its driver read them: where workers get them, and what the ledger says of them."""

    data: DataSet | None
    at: DataAt
    about: dict[str, Any]

    def keep(self, store: Store) -> None:
        """Put the copy in the store, if there is to be one and it is not there, and let go of the data themselves.

        Raises `OSError`.
        """
        if self.data is not None and self.at.copy is not None and self.at.copy not in store.names(FOLDER):
            store.write(self.at.copy, saved.to_bytes(self.data))
        self.data = None

    def changed(self, before: Mapping[str, Any]) -> str | None:
        """What differs from what the ledger said of the data before, {} if nothing; None if nothing does.

        Raises `ConfigError` where data from files differ, as finished trials were trained on others.
        """
        if before.get("digest") in (None, self.about["digest"]):
            return None
        was, now = before["digest"], self.about["digest"]
        if self.at.digest is None:
            return f"the points of '{self.about['name']}' are drawn otherwise here: digest {now}, it was {was}"
        raise ConfigError(
            f"data: expected '{self.about['name']}' with digest {was}, on which the study's trials were trained, got"
            f" digest {now} from {self.about['origin']}; bring the former data back there, or start a new study with"
            " another --out"
        )


def read(config: StudyConfig, store: Store) -> DataRead:
    """Read the data, from the store where the same was read before.

    Raises:
        ConfigError: they cannot be used, or are too few to be measured.
        OSError: the store does not answer.
    """
    try:
        source = data_sets.source(**config.data)
        content = source.fingerprint()
        data = None if content is None else _copied(store, _name(content))
        if data is None:
            data = source.load()
            content = content or source.fingerprint()  # files may have been downloaded
        _require_points(config, data)
    except (OSError, ValueError) as error:
        raise ConfigError(brief(error)) from None
    if content is None and source.of_files and config.resources.storage is not None:
        content = data.digest
    at = DataAt(None if content is None else _name(content), data.digest if source.of_files else None)
    about = {
        "name": data.name,
        "digest": data.digest,
        "origin": source.origin,
        "train": len(data.train),
        "heldout": len(data.heldout),
        "shape": list(data.shape),
        "classes": data.classes,
    }
    return DataRead(data, at, about)


def load(settings: Mapping[str, Any], store: Store, at: DataAt) -> DataSet:
    """The data on a worker, which sees the store. Raises `ValueError` where they are not those expected."""
    data = None if at.copy is None else _copied(store, at.copy)
    data = data_sets.load(**settings) if data is None else data
    if at.digest is not None and data.digest != at.digest:
        raise ValueError(
            f"data: expected '{data.name}' with digest {at.digest}, as on the driver, got digest {data.digest} on"
            f" {socket.gethostname()}; set resources.storage, from which nodes get a copy, or give them the same files"
        )
    return data


def refusal(settings: Mapping[str, Any], at: DataAt) -> str | None:
    """Why a node cannot read the data, as far as a quick look tells; None if it can."""
    if at.copy is not None or at.digest is None:
        return None
    try:
        data_sets.check(**settings)
    except (OSError, ValueError) as error:
        return f"{brief(error)}; set resources.storage, from which nodes get a copy, or use a path that all nodes see"
    return None


def _require_points(config: StudyConfig, data: DataSet) -> None:
    if not data.point:
        settings, mixture = evaluator.Settings(**config.evaluation), data.mixture is not None
        evaluator.require_points(len(data.train), len(data.heldout), mixture, settings, config.measure)


def _name(content: str) -> str:
    """Where in the store a copy of so much content is."""
    return f"{FOLDER}/{content[:32]}.safetensors"


def _copied(store: Store, name: str) -> DataSet | None:
    """The copy; None where it is missing, or damaged, as the data can be read anew."""
    payload = store.read(name)
    try:
        return None if payload is None else saved.from_bytes(payload)
    except ValueError:
        return None
