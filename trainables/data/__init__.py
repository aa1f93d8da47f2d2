"""Data sets by name: mixtures whose density is known exactly, real pictures, and data of one's own.

Imports `trainables.checks` alone. Start reading at `catalogue.DATASETS`, the table of names, then `dataset.DataSet`.
"""

from trainables.data.catalogue import DATASETS, Description, check, describe, load, source
from trainables.data.dataset import DataSet, floats
from trainables.data.in_memory import from_arrays
from trainables.data.mixture import Mixture

__all__ = [
    "DATASETS",
    "DataSet",
    "Description",
    "Mixture",
    "check",
    "describe",
    "floats",
    "from_arrays",
    "load",
    "source",
]
