"""A `Spec` fixes everything about a replica's training except its seed and its device.

The fields under `HYPERPARAMETERS` are what a study may vary: each is scientific (spans arms), nuisance (searched within
an arm) or fixed. A spec is plain data: it survives JSON, so a remote worker rebuilds the very same one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from trainables import networks, objectives, optimizers, penalties, schedules
from trainables.augmentations import AUGMENTATIONS
from trainables.checks import choice, close_to, interval, shown, whole
from trainables.data import transformations
from trainables.networks import Network
from trainables.objectives import dirac
from trainables.objectives.pairing import PAIRINGS
from trainables.precision import PRECISIONS
from trainables.schedules import Schedule, schedule

MODELS = {  # by name, and what each is
    "gan": "a generator against a critic",
    "cgan": "a conditional GAN, both of whose networks are told the label",
    "cyclegan": "translations there and back between transformed data and the data (Zhu, Park, Isola & Efros 2017)",
    "matching": "a generator that matches kernel moments of the data, without a critic (Li, Swersky & Zemel 2015)",
    "vae": "a variational autoencoder (Kingma & Welling 2014)",
    "oracle": "draws of the data themselves, which learn nothing: what a perfect generator scores",
    "dirac": "a map of Dirac-GANs, on data `dirac` alone (Mescheder et al. 2018)",
}
ADVERSARIAL = ("gan", "cgan", "cyclegan")  # models of two players
UNTRAINED = ("oracle", "dirac")  # models whose steps train no network
UPDATES = ("alternating", "simultaneous", "extragradient", "sga")
MOST_UNROLLED = 1000  # critic updates, all of which are kept for the gradient; papers take 10 at most
UNROLLED = ("alternating", "simultaneous")  # the updates whose critic may be unrolled
REQUIRED = ("data", "steps", "evaluations", "batch_size")
LATENTS = ("normal", "uniform")
CONDITIONINGS = ("join", "projection")
ROLES = ("generator", "critic")  # of networks
COUNTS = {  # whole numbers, and the least that each may be
    "steps": 1, "evaluations": 1, "batch_size": 1, "critic_steps": 1, "unroll": 0, "lookahead": 0, "latent_dim": 1,
    "packing": 1,
}  # fmt: skip
TRANSLATORS = ("mlp", "conv")  # kinds of generators that take samples
CHOICES: Mapping[str, Iterable[str]] = {
    "model": MODELS, "pairing": PAIRINGS, "updates": UPDATES, "latent": LATENTS, "conditioning": CONDITIONINGS,
    "optimizer": optimizers.OPTIMIZERS, "precision": PRECISIONS,
}  # fmt: skip
NUMBERS = {  # from 0 to below the first; the second says whether 0 may be, by which end is closed
    "generator_lr": (math.inf, "neither"), "critic_lr": (math.inf, "neither"), "beta1": (1, "left"),
    "beta2": (1, "left"), "weight_decay": (math.inf, "left"), "ema": (1, "left"),
    "instance_noise": (math.inf, "left"), "label_smoothing": (0.5, "left"),
    "lookahead_alpha": (1, "neither"),
    "cycle_weight": (math.inf, "left"), "identity_weight": (math.inf, "left"),
    "bound": (math.inf, "neither"),
}  # fmt: skip
SCHEDULED = ("generator_lr", "critic_lr", "beta2", "ema", "instance_noise")  # of these; besides, penalties' weights
AVERAGES = ("ema",)  # of these, decays, whose half-lives follow the schedule


def _mapping(**values: Any) -> Any:
    return field(default_factory=lambda: dict(values))


@dataclass(frozen=True)
class Spec:
    """One configuration of one model on one data set.

    Attributes:
        data: the name of a data set and its settings.
        steps (generator updates): in all.
        evaluations: how often training stops to be measured; divides `steps`.
        batch_size (samples): real samples, and as many generated ones, that one update of a network sees.
        model: what is trained.
        objective: the pair (f, g), by the name of a row of the table of objectives with its parameters, or one's own;
            one at `module:attribute` is looked up by whoever trains or explains it, never by a spec.
        generator_loss: what the generator minimises: `default` (the objective's own), `saturating`, `non_saturating`,
            `critic_mean`, or a formula of d, f and g.
        pairing: what f and g are applied to: the critic's output of a sample, `independent` of others; or how far it
            prefers a real sample to a generated one, `relativistic`, or to the mean of those, `relativistic_average`.
        penalty: how the critic is regularised, by the name of a row of the table of penalties and its settings, or a
            list of several, each charged as if alone. One on gradients may be lazy: `every: 8` charges it in one of
            eight updates of the critic, eight times its weight unless `compensated: false`. A weight may be a schedule.
        updates: the order of the players' updates: `alternating`, first the critic's and then the generator's against
            the new critic; `simultaneous`; `extragradient`, simultaneous along the gradients found a step ahead; or
            `sga`, simultaneous along gradients adjusted against the game's rotation (Balduzzi et al. 2018).
        critic_steps (critic updates): for each of the generator's; 1 unless updates alternate.
        unroll (critic updates): how far ahead the critic is that the generator answers, with the gradient through these
            updates (Metz et al. 2017); 0 is the critic as it is. Of alternating and simultaneous updates.
        lookahead (steps): after so many each time slow weights of both players go part of the way to their weights,
            which are put there (Chavdarova et al. 2021); 0 never.
        lookahead_alpha: which part of the way; without effect where `lookahead` is 0.
        optimizer: of both players; `sgd` takes heavy-ball momentum and `nesterov` Nesterov's, the optimistic ones are
            Daskalakis et al.'s (2018; `optimistic_sgd` is known as OGDA), `lion` is Chen et al.'s (2023).
        generator_lr: learning rate of the generator, or its schedule.
        critic_lr: learning rate of the critic, or its schedule.
        beta1: Adam's and Lion's first decay, or SGD's momentum, of both players.
        beta2: Adam's and Lion's second decay, or RMSProp's smoothing, of both players, or its schedule; Adam corrects
            its bias by the present value, as torch does.
        weight_decay: of both players with `adamw` and `lion`; a weight loses this share of itself, times the learning
            rate, in each update.
        ema: decay a step of the average of the generator's weights that is measured, or its schedule, which the
            half-life follows; 0 measures the weights themselves.
        precision: in which networks are computed while they train: float32, NVIDIA's `tf32`, or `bf16` (bfloat16); what
            stays float32 whatever it is, and what has none of it, is in the library's page.
        latent_dim: dimension of the generator's input.
        latent: distribution of each coordinate of the generator's input, N(0, 1) or uniform on [-1, 1].
        conditioning: how a cgan's critic is told the label: joined to the sample, or by a projection (Miyato & Koyama
            2018).
        packing (samples): how many the critic judges at once (PacGAN, Lin et al. 2018); divides `batch_size`.
        instance_noise: standard deviation of Gaussian noise on all that the critic sees, a number annealed linearly to
            0 over training, or its schedule.
        augmentation: how images are changed before the critic sees them, real and generated ones and in both players'
            updates, so that it does not learn few data by heart: `none`, or some of `colour`, `translation` and
            `cutout` (DiffAugment, Zhao et al. 2020).
        label_smoothing: how much of a real sample counts as generated (one-sided label smoothing, Salimans et al.
            2016).
        source: what a cyclegan translates into the data: the data themselves, `inverted` or `rotated` by an `angle`.
        cycle_weight: of a cyclegan's mean absolute error there and back again, per coordinate.
        identity_weight: of a cyclegan's mean absolute change of samples that are where they should be already.
        generator: the generator's network and its settings; of each direction with `cyclegan`, as is the critic's.
        critic: the critic's network and its settings; with `vae` the encoder's.
        evaluation: settings of the measurements, as `trainables.metrics.evaluator.Settings` has them.
        measure: further groups of measurements.
        bound: largest absolute loss and weight of a healthy replica; beyond it, or not finite, it has diverged.

    Raises `ValueError` or `TypeError` naming the field, what was expected and what it got.
    """

    data: Mapping[str, Any]
    steps: int
    evaluations: int
    batch_size: int
    model: str = "gan"
    objective: Mapping[str, Any] = _mapping(name="non_saturating")
    generator_loss: str = "default"
    pairing: str = "independent"
    penalty: Mapping[str, Any] | list[Mapping[str, Any]] = field(default_factory=lambda: {"name": "none"})
    updates: str = "alternating"
    critic_steps: int = 1
    unroll: int = 0
    lookahead: int = 0
    lookahead_alpha: float = 0.5
    optimizer: str = "adam"
    generator_lr: float | Mapping[str, Any] = 1e-3
    critic_lr: float | Mapping[str, Any] = 1e-3
    beta1: float = 0.5
    beta2: float | Mapping[str, Any] = 0.999
    weight_decay: float = 0.0
    ema: float | Mapping[str, Any] = 0.0
    precision: str = "fp32"
    latent_dim: int = 2
    latent: str = "normal"
    conditioning: str = "join"
    packing: int = 1
    instance_noise: float | Mapping[str, Any] = 0.0
    augmentation: str | Sequence[str] = "none"
    label_smoothing: float = 0.0
    source: Mapping[str, Any] = _mapping(name="inverted")
    cycle_weight: float = 10.0
    identity_weight: float = 0.0
    generator: Mapping[str, Any] = _mapping()
    critic: Mapping[str, Any] = _mapping()
    evaluation: Mapping[str, Any] = _mapping()
    measure: tuple[str, ...] = ()
    bound: float = 1e6

    def __post_init__(self) -> None:
        """Normalise names given as plain strings and check every field."""
        for name in ("objective", "data", "source"):
            object.__setattr__(self, name, _named(name, getattr(self, name)))
        object.__setattr__(self, "penalty", _one_or_several("penalty", self.penalty))
        object.__setattr__(self, "augmentation", _augmentation(self.augmentation))
        object.__setattr__(self, "measure", _names("measure", self.measure))
        if not isinstance(self.evaluation, Mapping):
            raise TypeError(f"evaluation: expected a mapping of settings, got {shown(self.evaluation)}")
        object.__setattr__(self, "evaluation", dict(self.evaluation))
        for name, least in COUNTS.items():
            whole(name, getattr(self, name), low=least)
        if self.steps % self.evaluations:
            raise ValueError(f"evaluations: expected a divisor of steps = {self.steps}, got {self.evaluations}")
        for name, valid in CHOICES.items():
            choice(name, getattr(self, name), valid)
        for name, (high, closed) in NUMBERS.items():
            if name in SCHEDULED:
                object.__setattr__(self, name, schedules.settled(name, getattr(self, name), high, closed))
            else:
                interval(name, getattr(self, name), 0, high, closed)
        transformations.check("source", self.source)
        if not isinstance(self.generator_loss, str):
            raise TypeError(f"generator_loss: expected a name or a formula, got {shown(self.generator_loss)}")
        objectives.check(self.objective, self.generator_loss)
        self._check_dirac() if self.model == "dirac" else self._check_penalties()
        object.__setattr__(self, "generator", networks.settings("generator", self.generator))
        object.__setattr__(self, "critic", networks.settings("critic", self.critic))
        self._check_combination()

    def _check_combination(self) -> None:
        """Refuse settings that make no sense together."""
        if (self.model == "dirac") != (self.data["name"] == "dirac"):
            raise ValueError(f"model: expected dirac on data dirac only, got {self.model} on '{self.data['name']}'")
        if self.weight_decay and self.optimizer not in optimizers.DECAYING:
            raise ValueError(
                f"weight_decay: expected 0 with {self.optimizer}, as only {' and '.join(optimizers.DECAYING)} decay,"
                f" got {self.weight_decay}"
            )
        fastest = max(schedule(rate).highest for rate in (self.generator_lr, self.critic_lr))
        if self.weight_decay * fastest >= 1:
            raise ValueError(
                f"weight_decay: expected below 1 / {fastest:g}, the larger learning rate, as an update would turn"
                f" weights round, got {self.weight_decay}"
            )
        if self.updates != "alternating" and self.critic_steps != 1:
            raise ValueError(f"critic_steps: expected 1 with {self.updates} updates, got {self.critic_steps}")
        if self.updates == "sga" and "consensus" in [penalty["name"] for penalty in self.penalties]:
            raise ValueError("penalty: expected no consensus with sga, which adjusts both gradients itself")
        if self.unroll:
            self._check_unrolled()
        if self.precision != "fp32" and self.model not in UNTRAINED:
            self._check_precision()
        if self.lookahead > self.steps:
            raise ValueError(f"lookahead: expected at most the {self.steps} steps, got {self.lookahead}")
        if self.batch_size % self.packing:
            raise ValueError(f"packing: expected a divisor of batch_size = {self.batch_size}, got {self.packing}")
        if self.packing > 1 and self.model == "cgan":
            raise ValueError(f"packing: expected 1 with cgan, whose samples bear a label each, got {self.packing}")
        for role, judged in (("generator", self.batch_size), ("critic", self.batch_size // self.packing)):
            network = getattr(self, role)
            if judged == 1 and network.get("kind") == "mlp" and network["hidden"] and network["batch_norm"]:
                packs = f" and packing = {self.packing}" if judged < self.batch_size else ""
                raise ValueError(
                    f"{role}.batch_norm: expected false where a batch of one is normalised, which makes a constant of"
                    f" it, got true with batch_size = {self.batch_size}{packs}"
                )
        if self.model == "vae" and self.latent != "normal":
            raise ValueError(f"latent: expected normal with vae, got {self.latent}")
        if self.model == "cyclegan":
            self._check_translators()
        if "critic" in self.own_networks:
            self._check_own_critic(self.critic["module"])

    def _check_precision(self) -> None:
        """Refuse what differentiates whole losses twice, which is float32's, and networks that torch alone computes."""
        consensus = "consensus" in [penalty["name"] for penalty in self.penalties]
        if self.model in ADVERSARIAL and (self.updates == "sga" or self.unroll or consensus):
            twice = "sga" if self.updates == "sga" else "an unrolled critic" if self.unroll else "consensus"
            raise ValueError(
                f"precision: expected fp32 with {twice}, which differentiates both losses twice, got {self.precision}"
            )
        if self.precision == "bf16" and self.own_networks:
            raise ValueError(
                f"precision: expected fp32 or tf32 with a {self.own_networks[0]} of your own, whose layers are not"
                " known to round, got bf16"
            )

    def _check_unrolled(self) -> None:
        """Refuse what would make no use of the critic's further updates, or a second use of both gradients."""
        if self.unroll > MOST_UNROLLED:
            raise ValueError(f"unroll: expected at most {MOST_UNROLLED}, got {self.unroll}")
        if self.updates not in UNROLLED:
            raise ValueError(f"unroll: expected 0 with {self.updates} updates, got {self.unroll}")
        if self.optimizer == "lion":
            raise ValueError(
                f"unroll: expected 0 with lion, whose steps are signs and have no slope, got {self.unroll}"
            )
        if "consensus" in [penalty["name"] for penalty in self.penalties]:
            raise ValueError(
                f"unroll: expected 0 with consensus, which differentiates both gradients once more, got {self.unroll}"
            )

    def _check_penalties(self) -> None:
        for row, values in penalties.resolve_all(self.penalties):
            if row.name == "consensus" and self.updates == "alternating":
                raise ValueError(
                    "updates: consensus needs both gradients at once, expected simultaneous or extragradient, got"
                    f" {self.updates}"
                )
            if values.get("every", 1) > self.steps * self.critic_steps:
                raise ValueError(
                    f"penalty.every: expected at most the {self.steps * self.critic_steps} updates that the critic has,"
                    f" got {values['every']} of {row.name}"
                )
            if values.get("every", 1) > 1 and self.updates == "extragradient":
                raise ValueError(
                    f"penalty.every: expected 1 with extragradient, whose two gradients a step are of one loss, got"
                    f" {values['every']} of {row.name}"
                )

    def _check_translators(self) -> None:
        """A cyclegan has two of each network, and its generators are told samples."""
        for role in self.own_networks:
            raise ValueError(f"{role}.module: expected a kind with cyclegan, got '{getattr(self, role)['module']}'")
        if self.generator["kind"] not in TRANSLATORS:
            expected = " or ".join(TRANSLATORS)
            raise ValueError(f"generator.kind: expected {expected} with cyclegan, got {self.generator['kind']}")

    def _check_own_critic(self, location: str) -> None:
        """An own critic gives one number, and is told labels in its own way."""
        if self.model == "vae":
            raise ValueError(f"critic.module: expected a kind with vae, whose encoder it describes, got '{location}'")
        if self.model == "cgan" and self.conditioning != "join":
            raise ValueError(
                f"conditioning: expected join, its default, as '{location}' is told the label by forward(x, labels),"
                f" got {self.conditioning}"
            )

    def _check_dirac(self) -> None:
        """Refuse what `trainables.objectives.dirac` does not play; a penalty's strength is the map's axis."""
        if len(self.penalties) > 1:
            raise ValueError(f"penalty: expected one with dirac, got {len(self.penalties)}")
        (penalty,) = self.penalties
        choice("penalty", penalty["name"], dirac.STABILISERS)
        settings = [name for name in penalty if name != "name"]
        if settings:
            raise ValueError(
                f"penalty.{settings[0]}: expected none with dirac, where data.gamma is the strength of every penalty"
            )
        choice("updates", self.updates, dirac.UPDATES)

    @property
    def interval(self) -> int:
        """Generator updates between two evaluations."""
        return self.steps // self.evaluations

    @property
    def penalties(self) -> tuple[Mapping[str, Any], ...]:
        """The penalties, one or several, each a name and its settings."""
        return (self.penalty,) if isinstance(self.penalty, Mapping) else tuple(self.penalty)

    @property
    def augmentations(self) -> tuple[str, ...]:
        """Names of `trainables.augmentations.AUGMENTATIONS` in its order."""
        several = [self.augmentation] if isinstance(self.augmentation, str) else self.augmentation
        return tuple(name for name in AUGMENTATIONS if name in several)

    @property
    def idle(self) -> dict[str, str]:
        """As the function `idle`."""
        return idle(vars(self))

    @property
    def schedules(self) -> dict[str, Schedule]:
        """Of every setting that may have one, those that stay included: a field's name, or `penalty.NAME.weight`."""
        ends = {"instance_noise": 0.0}
        found = {name: schedule(getattr(self, name), ends.get(name)) for name in SCHEDULED}
        if self.model == "dirac":  # its penalties have no weights
            return found
        charged = [(row, values) for row, values in penalties.resolve_all(self.penalties) if "weight" in values]
        return found | {f"penalty.{row.name}.weight": schedule(values["weight"]) for row, values in charged}

    @property
    def own_networks(self) -> tuple[str, ...]:
        """Those of `ROLES` whose network is a module of the user's own."""
        return tuple(role for role in ROLES if "module" in getattr(self, role))

    def network(self, role: str, shape: tuple[int, ...], classes: int) -> Network:
        """The generator or the critic of samples `shape` with so many classes; only `cgan` tells it the label. Of a
        cyclegan both of a kind: the generator to the data and back, the critic of the data and of their source.

        Raises `ValueError` where the network does not fit the samples.
        """
        told = classes if self.model == "cgan" else 0
        packed = (shape[0] * self.packing, *shape[1:])
        if self.model == "cyclegan":
            translates = role == "generator"
            one = networks.translator(self.generator, shape) if translates else networks.critic(self.critic, packed)
            return networks.TwoNetworks(one, one)
        if role == "generator":
            return networks.generator(self.generator, self.latent_dim, shape, told)
        return networks.critic(self.critic, packed, told, self.conditioning)

    def check_samples(self, shape: tuple[int, ...]) -> None:
        """Raise `ValueError` for settings that mean nothing for samples of a shape."""
        if "augmentation" in MEANINGLESS.get(self.model, ()):
            return
        penalties.check_samples(self.penalties, shape)
        if self.augmentations and len(shape) != 3:
            raise ValueError(
                f"augmentation: expected none for samples of {shape}, which are no images, got {self.augmentation}"
            )
        if self.model == "cyclegan":
            transformations.transformation("source", self.source, shape)

    def networks(self, shape: tuple[int, ...], classes: int) -> tuple[Network, Network]:
        """Both networks, as `network` makes them."""
        return self.network("generator", shape, classes), self.network("critic", shape, classes)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back into an equal spec."""
        return {**asdict(self), "measure": list(self.measure)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Spec:
        """Build a spec from plain data; an unknown field is refused with the nearest valid one named."""
        known = [f.name for f in fields(cls)]
        for name in values:
            if name not in known:
                raise ValueError(f"{name}: unknown field of a spec{close_to(str(name), known)}")
        for name in REQUIRED:
            if name not in values:
                raise ValueError(f"{name}: expected in every spec, got nothing")
        return cls(**values)


HYPERPARAMETERS = tuple(
    f.name
    for f in fields(Spec)
    if f.name not in ("data", "steps", "evaluations", "batch_size", "evaluation", "measure", "bound")
)

# What may differ between the replicas of one population, besides the penalty's settings; all else is equal.
PER_REPLICA = (
    "generator_lr", "critic_lr", "beta1", "beta2", "weight_decay", "ema", "instance_noise", "label_smoothing",
    "lookahead_alpha",
    "cycle_weight", "identity_weight",
)  # fmt: skip
# Of these, those that are 0 in all replicas or in none.
SWITCHED = ("instance_noise", "label_smoothing", "cycle_weight", "identity_weight")

# Hyperparameters without meaning for a model: such a model is one arm, however many of these a study crosses.
_ADVERSARIAL = (
    "objective", "generator_loss", "pairing", "penalty", "updates", "critic_steps", "unroll", "lookahead",
    "lookahead_alpha", "critic_lr", "conditioning", "packing", "instance_noise", "augmentation",
    "label_smoothing",
)  # fmt: skip
_TRANSLATING = ("source", "cycle_weight", "identity_weight")
MEANINGLESS: Mapping[str, tuple[str, ...]] = {
    "gan": ("conditioning", *_TRANSLATING),
    "cgan": _TRANSLATING,
    "cyclegan": ("latent_dim", "latent", "conditioning"),
    "matching": (*_ADVERSARIAL, *_TRANSLATING, "critic"),
    "vae": (*_ADVERSARIAL, *_TRANSLATING, "latent"),
    "oracle": tuple(name for name in HYPERPARAMETERS if name != "model"),
    "dirac": tuple(
        name
        for name in HYPERPARAMETERS
        if name not in ("model", "objective", "generator_loss", "penalty", "updates", "critic_steps")
    ),
}


def idle(values: Mapping[str, Any]) -> dict[str, str]:
    """Settings, of a spec's plain data or a part of it, that nothing reads beside others of these, and what makes each
    so: `model gan`, `optimizer sgd`."""
    model = values.get("model", Spec.model)
    found = dict.fromkeys(MEANINGLESS.get(model, ()), f"model {model}")
    if "optimizer" in values:
        rule = values["optimizer"]
        found |= {name: f"optimizer {rule}" for name, rules in optimizers.READ_BY.items() if rule not in rules}
    return found if values.get("lookahead", 1) else {**found, "lookahead_alpha": "lookahead 0"}


def shared(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the replicas of one population must agree in, of a spec's plain data: a name for each, and its value.

    A stabiliser that is 0 is left out of a population's step, random numbers and all, so that replicas with and without
    it do not train together.
    """
    plain = {name: value for name, value in values.items() if name not in PER_REPLICA}
    switched = {name: bool(values.get(name)) for name in SWITCHED}
    several = _one_or_several("penalty", values.get("penalty", "none"))
    alike = [
        {"name": one["name"], **{name: one.get(name, default) for name, default in penalties.LAZY.items()}}
        for one in ([several] if isinstance(several, Mapping) else several)
    ]
    return {**plain, **switched, "penalty": alike}


def _named(field_name: str, value: Any) -> dict[str, Any]:
    """`"r1"` and `{"name": "r1"}` are the same."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return dict(value)
    raise TypeError(f"{field_name}: expected a name or a mapping with the key 'name', got {shown(value)}")


def _one_or_several(field_name: str, value: Any) -> dict[str, Any] | list[dict[str, Any]]:
    """One named mapping, or a list of at least two; a list of one is the one."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return _named(field_name, value)
    if not value:
        raise ValueError(f"{field_name}: expected a name, a mapping, or a list of several, got an empty list")
    found = [_named(field_name, one) for one in value]
    return found[0] if len(found) == 1 else found


def _augmentation(value: Any) -> str | list[str]:
    """`none`, one name, or a list of at least two in the order in which they are applied."""
    names = ["none"] if isinstance(value, (list, tuple)) and not value else value
    names = [names] if isinstance(names, str) or not isinstance(names, Sequence) else list(names)
    for name in names:
        choice("augmentation", name, ["none", *AUGMENTATIONS])
    if len(names) > 1 and "none" in names:
        raise ValueError(f"augmentation: expected none alone, got {', '.join(names)}")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"augmentation: expected each once, got {twice[0]} twice")
    return names[0] if len(names) == 1 else [name for name in AUGMENTATIONS if name in names]


def _names(field_name: str, value: Any) -> tuple[str, ...]:
    """A list of names; a single string would fall apart into its letters."""
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"{field_name}: expected a list of names, got {shown(value)}")
    return tuple(value)
