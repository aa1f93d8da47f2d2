"""The table of data sets by name, and functions to check, describe and load one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from trainables.checks import meant, shown
from trainables.data.arrays import Arrays
from trainables.data.celeba import CelebA
from trainables.data.dataset import DataSet
from trainables.data.digits import Digits, StackedDigits
from trainables.data.images import Images
from trainables.data.source import Source
from trainables.data.stacked_mnist import StackedMnist
from trainables.data.supports import Circle, EmbeddedMixture, Line, SwissRoll
from trainables.data.synthetic import Dirac, ExplicitMixture, Grid, Ring, SingleGaussian, Sixteen
from trainables.data.vision import Cifar10, FashionMnist, Mnist, Svhn

FEW = 3  # data sets that a message names
DATASETS: Mapping[str, type[Source]] = MappingProxyType(
    {
        "gaussian": SingleGaussian,
        "ring": Ring,
        "grid": Grid,
        "sixteen": Sixteen,
        "mixture": ExplicitMixture,
        "line": Line,
        "circle": Circle,
        "swiss_roll": SwissRoll,
        "embedded_mixture": EmbeddedMixture,
        "dirac": Dirac,
        "digits": Digits,
        "stacked_digits": StackedDigits,
        "mnist": Mnist,
        "fashion_mnist": FashionMnist,
        "cifar10": Cifar10,
        "svhn": Svhn,
        "celeba": CelebA,
        "stacked_mnist": StackedMnist,
        "images": Images,
        "arrays": Arrays,
    }
)


class Description(NamedTuple):
    """What is known of a data set before it is loaded."""

    shape: tuple[int, ...]  # of one point; pictures are (channels, height, width)
    classes: int  # 0: unlabelled
    mixture: bool  # whether it is a mixture that is known exactly

    @property
    def images(self) -> bool:
        """Whether a point is a picture."""
        return len(self.shape) == 3


def load(name: str, **settings: Any) -> DataSet:
    """Load the data set `name` onto the CPU; the same settings give the same tensors.

    Raises:
        ValueError: an unknown name or setting, a wrong value, or damaged files.
        FileNotFoundError: files are missing; the message names the folder and the setting that
            downloads them.
        ConnectionError: a download failed.
    """
    return source(name, **settings).load()


def describe(name: str, **settings: Any) -> Description:
    """What is known of a data set before it is loaded; nothing is loaded, and checked settings need no files.

    Raises:
        ValueError: an unknown name or setting, or a wrong value.
        FileNotFoundError: a setting is left out that is found in a file, which is missing.
    """
    found = source(name, **settings)
    return Description(found.shape, found.classes, found.of_mixture)


def check(name: str, **settings: Any) -> dict[str, Any]:
    """Refuse what `load` would refuse, as far as a quick look at the files tells, without downloading anything.

    Returns:
        `name` and every setting, defaults filled in and paths absolute, as plain YAML types:
        `load(**check(...))` loads the same data from any working directory.

    Raises:
        ValueError: an unknown name or setting, a wrong value, or files that cannot be used.
        FileNotFoundError: files are missing and no setting allows to download them.
    """
    found = source(name, **settings)
    found.check_files()
    return {"name": name, **found.settings()}


def source(name: str, **settings: Any) -> Source:
    """The checked settings of a data set, from which it is loaded.

    Raises:
        ValueError: an unknown name or setting, or a wrong value.
        FileNotFoundError: a setting is left out that is found in a file, which is missing.
    """
    if isinstance(name, Mapping):
        raise ValueError(
            f"data.name: expected a name, as load_data(**mapping) passes it with the settings, got {shown(name)}"
        )
    if not isinstance(name, str) or name not in DATASETS:
        expected = f"expected one of {', '.join(DATASETS)}"
        raise ValueError(
            f"data.name: {expected}, got {shown(name)}{_of_ones_own(str(name)) or meant(str(name), DATASETS)}"
        )
    kind = DATASETS[name]
    known = {setting.name: setting for setting in fields(kind)}
    for key in settings:
        if key not in known:
            valid = f"expected one of {', '.join(known)}"
            others = [other for other, one in DATASETS.items() if key in {setting.name for setting in fields(one)}]
            of = f", but of {' and '.join(others)}" if 0 < len(others) <= FEW else ""
            raise ValueError(f"data.{key}: no such setting of {name}{of}: {valid}{meant(key, known)}")
    for key, setting in known.items():
        if setting.default is MISSING and key not in settings:
            raise ValueError(f"data.{key}: {name} needs it, and it did not come")
    return kind(**settings)


def _of_ones_own(name: str) -> str:
    """How a file or a folder that is named in place of a data set is given; empty for what is no path."""
    if not Path(name).suffix and Path(name).name == name:
        return ""
    if Path(name).suffix in (".npz", ".npy"):
        return f"; a file of arrays is {{name: arrays, path: {name}}}, with samples: NAME of one in an .npz"
    return f"; pictures are {{name: images, root: {name}}}, arrays {{name: arrays, path: FILE.npz, samples: NAME}}"
