"""Two networks as one: their weights in one row, each apart the network that it is alone."""

from __future__ import annotations

import torch

from trainables import networks
from trainables.networks.two import BACK, THERE, TwoNetworks
from trainables.population import StackedParameters, generators


def test_each_is_what_it_is_alone() -> None:
    settings = networks.settings("generator", {"hidden": [5]})
    there, back = networks.translator(settings, (2,)), networks.translator({**settings, "batch_norm": True}, (2,))
    both = TwoNetworks(there, back)
    stack, x = StackedParameters.drawn(both, generators([3, 4], 0, "cpu")), torch.randn(2, 6, 2)
    assert both.size == there.size + back.size
    assert both.operations == there.operations + back.operations
    assert both.normalises
    assert [one.name for one in both.weights] == [
        *(THERE + one.name for one in there.weights), *(BACK + one.name for one in back.weights)
    ]  # fmt: skip
    streams = generators([3, 4], 0, "cpu")
    parts = [torch.stack([network.draw(g) for g in streams]) for network in (there, back)]
    assert torch.equal(stack.flat, torch.cat(parts, 1))
    for network, weights, flat in zip((there, back), both.apart(stack.constants), parts, strict=True):
        torch.testing.assert_close(network(weights, x), network(StackedParameters(network, flat).constants, x))
    assert torch.equal(both(stack.constants, x), there(both.apart(stack.constants)[0], x))
