"""Streams of random numbers by name, so that a result does not depend on what else was drawn before it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import numpy as np


def stream(parent: np.random.Generator, names: Iterable[str]) -> np.random.Generator:
    """A generator fixed by the parent's seed and the names alone, whatever was drawn from the parent.

    Raises TypeError for a parent without a seed sequence; `numpy.random.default_rng` makes one with.
    """
    seed = parent.bit_generator.seed_seq
    if not isinstance(seed, np.random.SeedSequence):
        raise TypeError(f"parent: expected a generator made from a SeedSequence, got one from {type(seed).__name__}")
    digest = np.frombuffer(sha256("\0".join(names).encode()).digest(), np.uint32)
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *digest.tolist())))
