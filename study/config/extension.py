"""What may change when a study is resumed: how much is done and how it runs, never what finished trials mean.

`search.trials_per_arm`, `search.repeats` and `confirm.top` may grow, `scientific` may be written anew as long as it
gives every arm that the study has, by its name, and `keep`, `resources` and `tracking` may change freely, as may
`confirm.replicas` until a trial is confirmed.
`confirm.until` may be set, and `confirm.most` and `search.most_repeats` set or grow; once pairs of arms were looked at,
what they were looked at by stays: of what may grow, these two alone still do.
"""

from __future__ import annotations

from typing import Any

from study.config.dotted import leaves
from study.config.messages import ConfigError, shown
from study.config.plan import StudyPlan

FREE = ("keep", "resources", "tracking")
GROWING = ("search.trials_per_arm", "search.repeats", "confirm.top")
LIMITS = ("confirm.most", "search.most_repeats", "confirm.until")  # may be set where they are null


def check_extension(old: StudyPlan, new: StudyPlan, confirmed: bool, looked: bool = False) -> None:
    """Refuse a configuration under which the study's trials would mean something else. Raises `ConfigError`.

    `confirmed`: whether the study has confirm trials; `looked`: whether pairs of arms were looked at.
    """
    before: dict[str, Any] = dict(leaves(old.config.resolved()))
    after: dict[str, Any] = dict(leaves(new.config.resolved()))
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was == now or key.split(".")[0] in (*FREE, "scientific") or (key == "confirm.replicas" and not confirmed):
            continue
        if key in LIMITS and was is None:
            continue
        if looked and key in GROWING:
            raise ConfigError(
                f"{key}: expected {shown(was)}, by which pairs of arms were looked at already, got {shown(now)};"
                f" {', '.join(LIMITS[:2])} may still grow"
            )
        if key not in (*GROWING, *LIMITS[:2]) or now is None:
            raise ConfigError(
                f"{key}: expected {shown(was)}, as finished trials were run with it, got {shown(now)};"
                " start a new study with another --out"
            )
        if after[key] < before[key]:
            raise ConfigError(f"{key}: expected at least {shown(was)}, as the study has them, got {shown(now)}")
    _check_arms(old, new)


def _check_arms(old: StudyPlan, new: StudyPlan) -> None:
    kept = {arm.name: arm for arm in new.arms}
    for arm in old.arms:
        if kept.get(arm.name) != arm:
            raise ConfigError(
                f"scientific: expected lists that still contain every value the study has, arm '{arm.name}' is gone"
                f" or changed; got {shown(new.config.resolved()['scientific'])}"
            )
