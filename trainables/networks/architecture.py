"""Settings of generators and critics, checked: what a spec says of a network's architecture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from trainables import own_code
from trainables.checks import choice, flag, interval, only, shown, whole
from trainables.networks.layers import ACTIVATIONS

KINDS = {"generator": ("mlp", "conv", "resnet", "affine"), "critic": ("mlp", "conv", "resnet")}
DEFAULTS: dict[str, dict[str, Any]] = {
    "generator": {"activation": "relu"},
    "critic": {"activation": "leaky_relu"},
}
COMMON = {"kind": "mlp", "batch_norm": False, "weight_std": None}
OF_KIND: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": [128, 128]},
    "conv": {"width": 64, "depth": 2},
    "resnet": {"width": 64, "depth": 2},
}
INITS = ("orthogonal", "lecun")  # besides torch's default, and normal weights by `weight_std`
DEEPEST = 100  # hidden layers
PIECES = 5  # of a maxout unit when `pieces` is not set


def settings(role: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check a network's settings and fill in the defaults; `role` is generator or critic.

    Settings:
        kind: `mlp` for anything, of images the pixels; `conv`, DCGAN's 4 x 4 convolutions, and `resnet`, SNGAN's
            residual blocks, for square images; `affine`, a generator of points z -> mu + sigma z of known density.
        hidden (units): the widths of an mlp's hidden layers.
        width (channels): next to the image, twice as many at each halving of its side.
        depth: how often the side doubles in a generator and halves in a critic.
        activation: of hidden layers, relu in generators and leaky_relu in critics; maxout but for resnet.
        pieces: of a maxout unit.
        batch_norm: whether hidden layers are normalised by the batch at hand.
        weight_std: standard deviation of normal weights at the start; null: torch's own start.
        init: orthogonal weights at the start (Saxe et al. 2014), or lecun, normal ones whose variance is 1 / fan-in
            (LeCun et al. 1998), both with biases of 0; null: torch's own, or by `weight_std`.
        gain: what these weights are multiplied by.
        module: instead of a kind, a class of the user's own at module:attribute; all other settings are its own.

    Raises `ValueError` or `TypeError` naming the setting.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"{role}: expected a mapping of network settings, got {shown(given)}")
    if "module" in given:
        return _own_settings(role, given)
    kind = given.get("kind", "mlp")
    choice(f"{role}.kind", kind, KINDS[role])
    if kind == "affine":
        return _affine_settings(role, given)
    values = {**COMMON, **OF_KIND[kind], **DEFAULTS[role], **given}
    only(role, given, [*COMMON, *OF_KIND[kind], "activation", "pieces", "init", "gain"])
    choice(f"{role}.activation", values["activation"], [*ACTIVATIONS, *([] if kind == "resnet" else ["maxout"])])
    flag(f"{role}.batch_norm", values["batch_norm"])
    if values["weight_std"] is not None:
        interval(f"{role}.weight_std", values["weight_std"], 0, math.inf)
    _check_init(role, values)
    if values["activation"] == "maxout":
        values.setdefault("pieces", PIECES)
        whole(f"{role}.pieces", values["pieces"], low=2)
    elif "pieces" in given:
        raise ValueError(f"{role}.pieces: expected only with activation maxout, got activation {values['activation']}")
    if kind == "mlp":
        if not isinstance(values["hidden"], Sequence) or isinstance(values["hidden"], str):
            raise TypeError(f"{role}.hidden: expected a list of widths, got {shown(values['hidden'])}")
        values["hidden"] = list(values["hidden"])
        if len(values["hidden"]) > DEEPEST:
            raise ValueError(f"{role}.hidden: expected at most {DEEPEST} layers, got {len(values['hidden'])}")
        for width in values["hidden"]:
            whole(f"{role}.hidden", width, low=1)
        return values
    whole(f"{role}.width", values["width"], low=1)
    whole(f"{role}.depth", values["depth"], low=1)
    return values


def _check_init(role: str, values: dict[str, Any]) -> None:
    """`init` stands among the settings only where weights do not start as torch's do; null is torch's."""
    if values.get("init") is None:
        values.pop("init", None)
        if "gain" in values:
            raise ValueError(f"{role}.gain: expected only with init {' or '.join(INITS)}, got {shown(values['gain'])}")
        return
    choice(f"{role}.init", values["init"], INITS)
    interval(f"{role}.gain", values.setdefault("gain", 1.0), 0, math.inf)
    if values["weight_std"] is not None:
        raise ValueError(
            f"{role}.weight_std: expected null with init {values['init']}, got {shown(values['weight_std'])}"
        )


def _own_settings(role: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A module of the user's own: where it stands, and its own settings, which its constructor checks."""
    if not own_code.is_location(given["module"]):
        raise ValueError(f"{role}.module: expected module:attribute, got {shown(given['module'])}")
    if "kind" in given:
        raise ValueError(f"{role}.kind: expected no kind beside a module of one's own, got {shown(given['kind'])}")
    for name in given:
        if not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"{role}: expected settings named as keyword arguments, got {shown(name)}")
    return deepcopy(dict(given))


def _affine_settings(role: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """An affine map has no settings; `batch_norm` is there because callers ask it of every network."""
    only(role, given, ["kind", "batch_norm"])
    if given.get("batch_norm", False) is not False:
        raise ValueError(f"{role}.batch_norm: expected false with kind affine, got {shown(given['batch_norm'])}")
    return {"kind": "affine", "batch_norm": False}
