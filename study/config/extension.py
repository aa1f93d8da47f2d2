"""What may change when a study is resumed: how much is done and how it runs, never what finished trials mean.

`search.trials_per_arm`, `search.repeats` and `confirm.top` may grow, `scientific` may be written anew as long as it
gives every arm that the study has, by its name, and `keep`, `resources` and `tracking` may change freely, as may
`confirm.replicas` until a trial is confirmed.
`confirm.until` may be set, and `confirm.most` and `search.most_repeats` set or grow; once pairs of arms were looked at,
what they were looked at by stays: of what may grow, these two alone still do.
"""

from __future__ import annotations

from typing import Any

from study.config.arms import Arm
from study.config.dotted import leaves, root
from study.config.messages import ConfigError, shown
from study.config.plan import StudyPlan
from study.config.spaces import Space

FREE = ("keep", "resources", "tracking")
GROWING = ("search.trials_per_arm", "search.repeats", "confirm.top")
LIMITS = ("confirm.most", "search.most_repeats", "confirm.until")  # may be set where they are null


def check_extension(old: StudyPlan, new: StudyPlan, confirmed: bool, looked: bool = False) -> None:
    """Refuse a configuration under which the study's trials would mean something else. Raises `ConfigError`.

    `confirmed`: whether the study has confirm trials; `looked`: whether pairs of arms were looked at.
    """
    for key, (was, now) in changed(old, new).items():
        if root(key) in (*FREE, "scientific") or (key == "confirm.replicas" and not confirmed):
            continue
        if key in LIMITS and was is None:
            continue
        if looked and key in GROWING:
            raise ConfigError(
                f"{key}: expected {shown(was)}, by which pairs of arms were looked at already, got {shown(now)};"
                f" {', '.join(LIMITS[:2])} may still grow"
            )
        if key not in (*GROWING, *LIMITS[:2]) or now is None:
            own = f"--set {key}=… " * (key != "study")
            raise ConfigError(
                f"{key}: expected {shown(was)}, as finished trials were run with it, got {shown(now)};"
                f" a study of its own may have it: `ganstudy run CONFIG {own}--set study=NAME`"
            )
        if now < was:
            raise ConfigError(f"{key}: expected at least {shown(was)}, as the study has them, got {shown(now)}")
    _check_arms(old, new)


def changed(old: StudyPlan, new: StudyPlan) -> dict[str, tuple[Any, Any]]:
    """By dotted key, what stands there in one configuration and in another, None for nothing, where they differ."""
    before, after = dict(leaves(old.config.resolved())), dict(leaves(new.config.resolved()))
    keys = sorted(before.keys() | after.keys())
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def _check_arms(old: StudyPlan, new: StudyPlan) -> None:
    kept = {arm.name: arm for arm in new.arms}
    for arm in old.arms:
        other = kept.get(arm.name)
        if other is None:
            renamed = next((one.name for one in new.arms if _settings(one) == _settings(arm)), None)
            got = f"'{arm.name}' as '{renamed}'" if renamed else f"no '{arm.name}' among {shown(list(kept))}"
            raise ConfigError(f"scientific: expected every arm that the study has, under its name, got {got}")
        if other != arm:
            raise ConfigError(
                f"scientific: expected arm '{arm.name}' as the study has it, with {_apart(arm, other)},"
                f" got {_apart(other, arm)}"
            )


def _settings(arm: Arm) -> dict[str, Any]:
    """What an arm chooses and searches, by hyperparameter or dotted setting."""
    return {**arm.choices, **arm.space}


def _apart(arm: Arm, other: Arm) -> str:
    """The settings of an arm that another has not, or has differently."""
    theirs = _settings(other)
    apart = {key: value for key, value in _settings(arm).items() if key not in theirs or theirs[key] != value}
    return shown({key: str(value) if isinstance(value, Space) else value for key, value in apart.items()})
