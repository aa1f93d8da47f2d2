"""What a command may do of what a study folder says: import the user's own code, and from where (see
`trainables.own_code`), and send and write to places outside of the folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from study import trust
from study.command.output import say
from study.config import loading
from study.config.addresses import masked
from study.config.messages import ConfigError, brief, see
from study.config.own import locations, places
from study.config.plan import StudyPlan
from study.config.rules import settled
from study.config.schema import StudyConfig
from study.ledger.ledger import identity
from trainables import data, own_code
from trainables.metrics import own, own_features


def study_of(configuration: Path) -> Path | None:
    """The study folder that a configuration file lies in, if it does."""
    return configuration.parent if (configuration.parent / "ledger").exists() else None


def admitted(plan: StudyPlan, folder: Path | None, trusting: bool) -> StudyPlan:
    """The plan once more, now that its own code is imported and checked too; the same plan where it names none.

    `plan` is right in everything else. `folder` is the study folder whose configuration it is, with the command line's
    changes; None: a file of the user's. A folder may be anybody's: its study must be one that this user began, or the
    user is `trusting`. Modules are imported from the working directory, or from where they were when the study began.

    Raises `ConfigError`.
    """
    named = locations(plan.config)
    if not named:
        return plan
    directory = Path.cwd()
    if folder is not None and not trusting:
        directory = _began(folder, locations(loading.load(folder / loading.STUDY_FILE).config))
    own_code.allow(directory, named)
    checked = replace(settled(plan.config), replaced=plan.replaced)
    _try_out(checked.config)
    return checked


def strange_places(config: StudyConfig, folder: Path) -> list[str]:
    """The places outside of a study folder that its configuration names and this user has run no such study with.

    A folder may be anybody's: a tracking server would be sent the user's own token, and a storage overwritten.
    """
    known = _known(folder)
    return [place for place in places(config) if known is None or place not in known.locations]


def refuse_strange_places(config: StudyConfig, folder: Path, trusting: bool) -> None:
    """Raise `ConfigError` for `strange_places`, unless the user is `trusting`."""
    strange = [] if trusting else strange_places(config, folder)
    if strange:
        raise ConfigError(
            f"{folder}: expected a study that you began, as its configuration names places outside of the folder"
            f" ({', '.join(masked(place) for place in strange)}); look at them, and give --trust to use them"
        )


def _try_out(config: StudyConfig) -> None:
    """Call the user's own measurements and features on a few real points: no training is spent on one that fails."""
    features = config.evaluation["features"]
    try:
        metrics, embeds = own.every(config.measure), isinstance(features, dict)
        if not metrics and not embeds:
            return
        points = data.load(**config.data)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(brief(error)) from None
    try:
        if embeds:
            own_features.try_out(features["module"], points)
        for metric in metrics:
            own.try_out(metric, points)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{brief(error)}{see('own_metrics.md')}") from None


def _began(folder: Path, named: tuple[str, ...]) -> Path:
    """The folder that a study's own code was imported from when this user ran it."""
    if not named:
        return Path.cwd()
    known = _known(folder)
    strange = [name for name in named if known is None or name not in known.locations]
    if known is None or strange:
        raise ConfigError(
            f"{folder}: expected a study that you began, as its configuration names code to import"
            f" ({', '.join(strange)}); look at the code, and give --trust to run it from the working directory"
        )
    if not known.directory.is_dir():
        say(f"note: own code is imported from the working directory, as {known.directory} is gone")
        return Path.cwd()
    return known.directory


def _known(folder: Path) -> trust.Trusted | None:
    try:
        return trust.recall(identity(folder))
    except (FileNotFoundError, ValueError):  # no ledger, or nothing in it
        return None
