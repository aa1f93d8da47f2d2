"""Maps of a data set's points whose inverse is known: a second domain, each of whose points has a partner in the data.

A `cyclegan` translates between transformed points a = T(b), the source, and the data b, its target. T is an isometry
that leaves 0 where it is, so that distances among transformed points are those of the data with T undone. `inverted` is
T(b) = -b, which makes black white; `rotated` turns points of the plane about 0, or square images about their centre,
anticlockwise by `angle` degrees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainables.checks import choice, number, only

TRANSFORMATIONS: Mapping[str, Mapping[str, float]] = {"inverted": {}, "rotated": {"angle": 90.0}}  # and settings


@dataclass(frozen=True)
class Transformation:
    """T, of points (..., *shape): its name, its angle in degrees, and whether points are images."""

    name: str
    angle: float
    images: bool

    def __call__(self, points: Tensor) -> Tensor:
        """Points of the other domain from those of the data."""
        return self._turned(points, self.angle)

    def undone(self, points: Tensor) -> Tensor:
        """The inverse."""
        return self._turned(points, -self.angle)

    def _turned(self, points: Tensor, angle: float) -> Tensor:
        if self.name == "inverted":
            return -points
        if self.images:
            return torch.rot90(points, round(angle / 90), (-2, -1))
        x, y = points.unbind(-1)
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        return torch.stack([cosine * x - sine * y, sine * x + cosine * y], -1)


def check(key: str, settings: Mapping[str, Any]) -> None:
    """Refuse an unknown name or setting, or an angle that is no number; messages begin with `key`."""
    choice(f"{key}.name", settings["name"], TRANSFORMATIONS)
    only(key, settings, ["name", *TRANSFORMATIONS[settings["name"]]])
    if "angle" in settings:
        number(f"{key}.angle", settings["angle"])


def settled(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Checked settings with the defaults filled in."""
    usual = TRANSFORMATIONS[settings["name"]]
    return {**settings, **{name: float(settings.get(name, value)) for name, value in usual.items()}}


def transformation(key: str, settings: Mapping[str, Any], shape: Sequence[int]) -> Transformation:
    """The transformation of points of a shape by checked settings.

    Raises `ValueError`, which begins with `key`, where it does not fit the shape.
    """
    name, images = settings["name"], len(shape) == 3
    angle = settled(settings).get("angle", 0.0)
    if name == "rotated":
        if tuple(shape) != (2,) and not (images and shape[1] == shape[2]):
            raise ValueError(
                f"{key}.name: expected inverted, as points of the plane and square images alone are rotated, got"
                f" rotated for samples of shape {tuple(shape)}"
            )
        if images and angle % 90:
            raise ValueError(f"{key}.angle: expected a multiple of 90 for images, got {angle:g}")
    return Transformation(name, angle, images)
