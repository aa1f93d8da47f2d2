"""Data sets by name: mixtures whose truth is known exactly, real digits, and torchvision's pictures."""

from trainables.data.catalogue import DATASETS, Description, check, describe, load
from trainables.data.dataset import DataSet
from trainables.data.mixture import Mixture

__all__ = ["DATASETS", "DataSet", "Description", "Mixture", "check", "describe", "load"]
