"""A simulated study with pictures of some of its replicas."""

import shutil

import numpy as np
import pytest

from analysis.record.loading import load

PICTURED = ("search-hinge-0001", "search-least_squares-0002")


@pytest.fixture(scope="session")
def study(simulated, tmp_path_factory):
    """Its folder; two trials have pictures of their first two replicas, and one has a torn file."""
    folder = tmp_path_factory.mktemp("labels") / "study"
    shutil.copytree(simulated, folder)
    samples = np.random.default_rng(0).normal(0, 1, (2, 50, 2))
    for trial in PICTURED:
        pictures = folder / "trials" / trial / "pictures"
        pictures.mkdir(parents=True)
        for step in (500, 1000):
            np.savez(pictures / f"{step:08d}.npz", samples=samples, seeds=[0, 1])
    torn = folder / "trials" / "search-hinge-0003" / "pictures"
    torn.mkdir(parents=True)
    (torn / "00000500.npz").write_bytes(b"PK")
    return folder


@pytest.fixture(scope="session")
def record(study):
    return load(study)
