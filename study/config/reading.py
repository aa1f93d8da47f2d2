"""A configuration file as plain data, settings of the command line in their places; whether they mean anything is for
`study.config.loading` to say, which knows all that there is to configure and takes seconds to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from study.config import strict_yaml
from study.config.messages import ConfigError, shown
from study.config.schema import StudyConfig


def read(path: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The values of a file, with each `key.path=value` of `overrides` in its place.

    Raises `ConfigError` where there is no file, or none of YAML's mappings, and for an override of another form.
    """
    values = strict_yaml.read(Path(path))
    if not isinstance(values, dict):
        keys = ", ".join(StudyConfig.model_fields)
        raise ConfigError(f"{path}: expected a mapping with the keys {keys}, got {shown(values)}")
    for setting in overrides:
        strict_yaml.override(values, setting)
    return values
