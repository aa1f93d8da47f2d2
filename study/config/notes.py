"""What of a configuration is allowed but probably unintended, as `notes`, one sentence each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from analysis.record.schema import OF_LABELS
from analysis.results.thresholds import EVALUATIONS
from analysis.wording import listed
from study.config.arms import Arm, constants_of, corners, mistakable, spec_for, trained
from study.config.blind_spots import blind_spots
from study.config.dotted import root
from study.config.measured import OF_MODES, OF_POINTS, judged_by, measured, of_raw_points
from study.config.messages import see, shown
from study.config.own import locations
from study.config.plan import StudyPlan
from study.config.reference import unequal
from study.config.schema import StudyConfig
from study.config.spaces import name_of
from trainables import data, own_code, penalties
from trainables.objectives import admission
from trainables.penalties import PENALTIES
from trainables.spec import ADVERSARIAL, Spec

SLOPES = tuple(row.name for row in PENALTIES.values() if row.bounds_slope)


def notes(plan: StudyPlan) -> list[str]:
    """Settings that are allowed but probably unintended, one sentence each."""
    config, arms = plan.config, plan.arms
    trials, repeats = config.search.trials_per_arm, config.search.repeats
    still = [arm.name for arm in arms if not arm.space]
    found = []
    if plan.replaced:
        found.append(
            f"outcomes: {listed(plan.replaced)} set the earlier rule of outcomes and are replaced by the present"
            " defaults, which `ganstudy docs outcomes` explains"
        )
    if len(arms) > 1 and (alone := [key for key, choices in _crossed(config).items() if len(choices) == 1]):
        found.append(
            f"scientific: {listed(alone)} {'has' if len(alone) == 1 else 'have'} one choice, which tells no arms apart"
            " and is in the name of each; under fixed it would be in none"
        )
    for repeat, other, arm in mistakable(arms)[:1]:
        found.append(
            f"search.repeats can be at most {repeat}, as trials of repeat {repeat} of {other.name} would be called as"
            f" those of {arm.name}; an entry of scientific may give its arms a name"
        )
    if still and trials > 1:
        of = " of a repeat" if repeats > 1 else ""
        found.append(f"nothing is searched, so that all {trials} trials{of} are the same: {_few(still)}")
    if still and repeats > 1 and config.confirm:
        alike = f"all {repeats} repeats confirm the same configuration on the same seeds"
        found.append(f"nothing is searched, so that {alike}: {_few(still)}")
    if config.budget.evaluations < EVALUATIONS and judged_by(plan):
        found.append(
            f"budget.evaluations: outcomes, as converged or hopping, are told less surely from"
            f" {config.budget.evaluations} than from {EVALUATIONS} or more{see('outcomes.md')}"
        )
    if config.confirm.until and len(arms) == 1:
        found.append("confirm.until: one arm makes no pair to decide, so that it is confirmed once")
    if note := slope_note(plan):
        found.append(note)
    found += [
        f"{name} is unbounded even where p = q, as constant critics, of slope 0, gain without end; the critic"
        f" maximises, so that losses, which are minimised, are given as their negatives: {_few(names)}"
        for name, names in _by_word(_boundless, plan).items()
    ]
    found += [f"{said}: {_few(names)}" for said, names in _by_word(_overflows, plan).items()]
    if mixed := [arm.name for arm in arms if _slopes_are_mixed(config, arm)]:
        found.append(
            "critic.batch_norm makes each sample's score depend on the others of its batch, while penalties on"
            f" gradients are meant of each by itself (Gulrajani et al. 2017, section 4): {_few(mixed)}"
        )
    if blind := [arm.name for arm in arms if _place_is_unseen(config, arm)]:
        found.append(
            "critic.batch_norm: of an mlp the first layer is normalised too, which takes off where a batch lies and how"
            f" wide it is spread; the critic sees neither of real or generated samples: {_few(blind)}"
        )
    unmeasured = [arm.name for arm in arms if constants_of(config, arm).get("model", Spec.model) not in ("gan", "cgan")]
    if "jacobian" in config.measure and unmeasured:
        found.append(f"measure: jacobian is of the models gan and cgan alone, and says nothing of {_few(unmeasured)}")
    found += [
        f"{said} changes nothing, and is searched: {_few(names)}" for said, names in _by_word(_idle, plan).items()
    ]
    found += [
        f"{said}, which is so drawn more often than another: {_few(names)}"
        for said, names in _by_word(_equal_choices, plan).items()
    ]
    if note := unequal(config, arms):
        found.append(note)
    if any(arm.space for arm in arms) and (note := blind_note(plan)):
        found.append(note)
    if note := label_note(plan):
        found.append(note)
    if config.scheduler.name == "asha":
        found.append("asha stops trials as results arrive, so that the search depends on the workers' timing")
    return found


def _by_word(said_of: Callable[[StudyConfig, Arm], Iterable[str]], plan: StudyPlan) -> dict[str, list[str]]:
    """Whatever is said of some arm, with the names of the arms it is said of."""
    found: dict[str, list[str]] = {}
    for arm in plan.arms:
        for said in said_of(plan.config, arm):
            found.setdefault(said, []).append(arm.name)
    return found


def slope_note(plan: StudyPlan) -> str | None:
    """What is said of arms whose objective needs a critic of bounded slope and whose critic has none."""
    free = {arm.name: names for arm in plan.arms if (names := _without_slope(plan.config, arm))}
    if not free:
        return None
    pairs = list(dict.fromkeys(name for names in free.values() for name in names))
    need = f"{listed(pairs)} {'needs' if len(pairs) == 1 else 'need'} a critic of bounded slope"
    return f"{need}, by {listed(SLOPES, 'or')}; without one: {_few(list(free))}"


def _without_slope(config: StudyConfig, arm: Arm) -> list[str]:
    """Names of an arm's pairs (f, g) that have no best critic unless its slope is bounded, where nothing bounds it; of
    those in Python only where this process may import them."""
    if "penalty" in arm.space or constants_of(config, arm).get("model", Spec.model) not in ADVERSARIAL:
        return []
    found = {
        str(spec.objective["name"]): None
        for spec in _pairs(config, arm)
        if admission.needs_slope(spec.objective)
        and not any(row.bounds_slope for row, _ in penalties.resolve_all(spec.penalties))
    }
    return list(found)


def _boundless(config: StudyConfig, arm: Arm) -> list[str]:
    """Names of an arm's pairs (f, g) by which constant critics gain without end; of those in Python only where this
    process may import them."""
    if constants_of(config, arm).get("model", Spec.model) not in ADVERSARIAL:
        return []
    alone = (spec for spec in _pairs(config, arm) if spec.pairing == "independent")
    return list({str(spec.objective["name"]): None for spec in alone if admission.boundless(spec.objective)})


def _overflows(config: StudyConfig, arm: Arm) -> list[str]:
    """What of an arm's pairs (f, g) float32 cannot hold from some output of the critic on, in words; of those in Python
    only where this process may import them."""
    found: dict[str, None] = {}
    for spec in _pairs(config, arm):
        found |= dict.fromkeys(admission.overflows(spec.objective, spec.generator_loss))
    return list(found)


def _pairs(config: StudyConfig, arm: Arm) -> Iterator[Spec]:
    """Specifications with the pairs at the corners of an arm's space, less those that this process may not import."""
    importing, low = own_code.allowed(locations(config)), next(corners(arm.space))
    of_pair = {name: space for name, space in arm.space.items() if root(name) in ("objective", "generator_loss")}
    for values in corners(of_pair):
        spec = spec_for(config, arm, {**low, **values})
        if importing or not own_code.is_location(spec.objective["name"]):
            yield spec


def _equal_choices(config: StudyConfig, arm: Arm) -> list[str]:
    """Choices of one hyperparameter that train the same, in words: whatever is written out, as of arms.

    What a generator's loss stands for may depend on the objective; where both are choices, it is left out.
    """
    low, found = next(corners(arm.space)), []
    for name, space in arm.space.items():
        if name == "generator_loss" and "objective" in arm.space:
            continue
        seen: dict[str, Any] = {}
        for option, value in zip(space.options, space.choices, strict=True):
            same = seen.setdefault(trained(spec_for(config, arm, {**low, name: option}), {}), value)
            if same is not value:
                found.append(f"{name}: the choices {shown(same)} and {shown(value)} train the same")
    return found


def _idle(config: StudyConfig, arm: Arm) -> list[str]:
    """Hyperparameters that are searched although nothing reads them, in words; unless what makes them so is searched,
    too."""
    spec = spec_for(config, arm, next(corners(arm.space)))
    roots = {root(name) for name in arm.space}
    return [f"{name} with {why}" for name, why in spec.idle.items() if name in roots and why.split()[0] not in roots]


def _crossed(config: StudyConfig) -> Mapping[str, Sequence[Any]]:
    """The lists that span all arms; none where several entries do."""
    return config.scientific if isinstance(config.scientific, dict) else {}


def blind_note(plan: StudyPlan) -> str:
    """What the searched metrics do not see of the samples; "" if there is nothing, or nothing measured sees it."""
    config, arms = plan.config, plan.arms
    description, features = data.describe(**config.data), config.evaluation["features"]
    found = frozenset[str]().union(*(measured(config, arm) for arm in arms))
    better = OF_MODES if OF_MODES in found and description.classes else "fid"
    raw = features == "raw" and (description.images or description.classes > 0 or not description.mixture)
    if of_raw_points(config):
        better = OF_POINTS
    if description.images and raw:
        better = f"fid with evaluation.features: {'classifier' if description.classes else 'inception'}"
    modes = description.classes > 0
    return blind_spots(config.search.metrics, found, raw=raw, modes=modes, better=better)


def label_note(plan: StudyPlan) -> str:
    """That no searched metric sees whether samples are of the class that was asked for; "" where none is asked for."""
    config = plan.config
    asked = [arm.name for arm in plan.arms if constants_of(config, arm).get("model") == "cgan"]
    if not asked or set(OF_LABELS) & set(config.search.metrics):
        return ""
    found = frozenset[str]().union(*(measured(config, arm) for arm in plan.arms))
    better = next(name for name in OF_LABELS if name in found)
    return (
        f"search.metric: {listed(config.search.metrics)} {'does' if len(config.search.metrics) == 1 else 'do'} not see"
        f" whether samples are of the class that was asked for, nor do outcomes; {better} does: {_few(asked)}"
    )


def _place_is_unseen(config: StudyConfig, arm: Arm) -> bool:
    constant = constants_of(config, arm)
    critic = constant.get("critic", {})
    known = "critic.kind" not in arm.space and "module" not in critic
    dense = known and critic.get("kind", "mlp") == "mlp" and critic.get("hidden", True)
    return constant.get("model", Spec.model) in ADVERSARIAL and dense and bool(critic.get("batch_norm"))


def _slopes_are_mixed(config: StudyConfig, arm: Arm) -> bool:
    constant = constants_of(config, arm)
    names, critic = str(name_of(constant.get("penalty"))).split("+"), constant.get("critic", {})
    charged = any(name in PENALTIES and PENALTIES[name].points for name in names)
    return constant.get("model", Spec.model) in ADVERSARIAL and charged and bool(critic.get("batch_norm"))


def _few(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more arms" if len(names) > 4 else "")
