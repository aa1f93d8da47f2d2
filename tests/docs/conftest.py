"""Examples of pages name modules alike (`my_networks`); each test imports its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def forgotten_modules() -> Iterator[None]:
    """No module of an example is left from another test, or for one."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    for name in [name for name in sys.modules if name.startswith("my_")]:
        del sys.modules[name]
