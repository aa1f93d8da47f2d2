"""Generators and critics of a whole population: R networks of one shape evaluated in one call.

What all of them promise is in `network`; `architecture` checks what a spec says of one, `catalogue` makes it of our
own `layers`. Imports the checks alone.
"""

from trainables.networks.architecture import settings
from trainables.networks.catalogue import critic, generator
from trainables.networks.network import Network, Weight

__all__ = ["Network", "Weight", "critic", "generator", "settings"]
