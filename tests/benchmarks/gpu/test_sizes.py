import pytest
import torch

from benchmarks.gpu.sizes import CARD, LEAST, PROCESSOR, Size
from trainables import networks


@pytest.mark.parametrize("size", [*CARD, *PROCESSOR, *LEAST], ids=lambda size: size.name)
def test_both_sides_train_networks_of_the_same_size(size: Size):
    spec, shape = size.spec(), (size.channels, size.side, size.side) if size.side else (2,)
    ours = [networks.generator(spec.generator, spec.latent_dim, shape), networks.critic(spec.critic, shape)]
    generator, critic = size.players()
    for our, their in zip(ours, (generator, critic), strict=True):
        assert our.size == sum(p.numel() for p in their.parameters())
    samples = generator(torch.randn(3, size.latent_dim))
    assert samples.shape == (3, *shape)
    assert critic(samples).shape == (3, 1)
