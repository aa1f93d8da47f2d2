"""Rounds: how a confirmation grows that goes on until the pairs of arms are decided (`confirm.until`).

Every arm begins with `search.repeats` searches, each choice of which is confirmed on `confirm.replicas` seeds. From
round to round the seeds are doubled, up to `confirm.most`, or else the repeats, up to `search.most_repeats`. Round 0 of
a confirmation trains the first seeds, round j those that the j-th doubling adds.
"""

from __future__ import annotations

from typing import NamedTuple

from study.config.messages import ConfigError, see
from study.config.schema import StudyConfig


class Extent(NamedTuple):
    """Of how many repeats an arm has confirmed configurations, and on how many seeds."""

    repeats: int
    seeds: int


def first(config: StudyConfig) -> Extent:
    """What every arm begins with; all there is where `confirm.until` is null."""
    return Extent(config.search.repeats, config.confirm.replicas)


def after(config: StudyConfig, extent: Extent, more_seeds: bool = True) -> Extent | None:
    """The next extent; None at the limits. More seeds go before more repeats, if `more_seeds` are worth their cost."""
    most_repeats, most_seeds = limits(config)
    if more_seeds and 2 * extent.seeds <= most_seeds:
        return Extent(extent.repeats, 2 * extent.seeds)
    if extent.repeats < most_repeats:
        return Extent(min(2 * extent.repeats, most_repeats), extent.seeds)
    return None


def limits(config: StudyConfig) -> Extent:
    """The largest extent that there may be."""
    begun = first(config)
    return Extent(config.search.most_repeats or begun.repeats, config.confirm.most or begun.seeds)


def looks(config: StudyConfig, extent: Extent) -> int:
    """How many looks there may be at an arm, from this extent on to the limits, both included."""
    count, found = 0, (extent if config.confirm.until else None)
    while found is not None:
        count, found = count + 1, after(config, found)
    return count


def rounds(config: StudyConfig, seeds: int) -> int:
    """How many rounds of a configuration's confirmation train so many seeds."""
    return (seeds // config.confirm.replicas).bit_length()


def check_rounds(config: StudyConfig) -> None:
    """Refuse settings of rounds that do not belong together. Raises `ConfigError`."""
    confirm, search = config.confirm, config.search
    given = {"confirm.most": confirm.most, "search.most_repeats": search.most_repeats}
    if confirm.until is None:
        for key, value in given.items():
            if value is not None:
                raise ConfigError(f"{key}: expected null where confirm.until is not decided, got {value}")
        return
    if confirm.top != 1:
        raise ConfigError(f"confirm.top: expected 1, as confirm.until compares one choice a search, got {confirm.top}")
    if not any(given.values()):
        raise ConfigError(
            "confirm.most: expected the most seeds that confirm.until may go on to, or search.most_repeats, got null"
            + see("rounds.md")
        )
    if confirm.most is not None and not _doubled(confirm.replicas, confirm.most):
        doubled = ", ".join(str(confirm.replicas << times) for times in range(1, 4))
        raise ConfigError(
            f"confirm.most: expected confirm.replicas doubled once or more, {doubled} …, as seeds are doubled from look"
            f" to look, got {confirm.most}"
        )
    if search.most_repeats is not None and not 2 <= search.repeats < search.most_repeats:
        more = f"more than search.repeats, {search.repeats}"
        expected = more if search.repeats > 1 else "null unless search.repeats is 2 or more"
        raise ConfigError(f"search.most_repeats: expected {expected}, got {search.most_repeats}")


def _doubled(seeds: int, most: int) -> bool:
    times, rest = divmod(most, seeds)
    return rest == 0 and times > 1 and times & (times - 1) == 0
