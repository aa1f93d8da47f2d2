"""Generators and critics of a whole population: R networks of one shape evaluated in one call.

What all of them promise is in `network`; `architecture` checks what a spec says of one, and `catalogue` makes it, of
our `layers` or from a module of the user's (`own`). Imports the checks, precision and own code alone.
"""

from trainables.networks.architecture import settings
from trainables.networks.catalogue import critic, generator, translator
from trainables.networks.network import FlatWeights, Network, Weight
from trainables.networks.two import TwoNetworks

__all__ = ["FlatWeights", "Network", "TwoNetworks", "Weight", "critic", "generator", "settings", "translator"]
