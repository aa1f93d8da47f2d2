import pytest
import torch

from benchmarks import population as module
from benchmarks.population import (
    REPLICAS,
    Unmeasured,
    jax_population,
    plain_loop,
    plain_players,
    population,
    products,
)
from trainables import cost, networks


def test_the_plain_loop_trains_both_networks():
    built = plain_players(8)
    loop = plain_loop(torch.randn(100, 2), built, batch=4)
    next(loop)
    before = [p.clone() for network in built for p in network.parameters()]
    next(loop)
    after = [p for network in built for p in network.parameters()]
    assert all(p.requires_grad for p in after)
    assert all(not torch.equal(x, y) for x, y in zip(before, after, strict=True))


def test_both_sides_train_networks_of_the_same_size():
    training = population(width=8, batch=4, interval=1, evaluations=1)
    spec, shape = training.spec, training.data.shape
    ours = [networks.generator(spec.generator, spec.latent_dim, shape), networks.critic(spec.critic, shape)]
    theirs = plain_players(8)
    for our, their in zip(ours, theirs, strict=True):
        assert sum(weight.size for weight in our.weights) == sum(p.numel() for p in their.parameters())
    assert training.samples(2)[0].shape == (REPLICAS, 2, 2)


def test_the_population_advances_unmeasured():
    training = population(width=8, batch=4, interval=2, evaluations=1)
    columns = training.advance().columns
    assert training.step == 2
    assert len(columns["diverged"]) == REPLICAS
    assert "fid" not in columns
    assert Unmeasured()(torch.zeros(1, 2, 2)) == {}
    assert columns["loss_critic"][0] == pytest.approx(1.386, abs=0.3)  # 2 log 2: a critic that knows nothing


def test_the_products_are_the_arithmetic_of_a_step():
    spec = population(width=64, batch=4, interval=1, evaluations=1).spec
    counted = sum(2 * a.numel() * b.shape[2] for a, b in products(64, 4)) / REPLICAS
    thin = 2 * (3 * 2 * 4 + 2 * 4) * 64  # the critic's last layer, which the products leave out
    assert counted + thin == pytest.approx(cost.operations(spec), rel=0.02)


@pytest.mark.skipif(not module.JAX.exists(), reason="needs JAX: make jax")
def test_jax_trains_a_population_for_a_turn(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.01)
    with jax_population(8, 4) as turn:
        assert turn() > 0
        assert turn() > 0
