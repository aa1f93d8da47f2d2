"""The population of `benchmarks.population` as a user of JAX writes it: `vmap` over replicas, `scan` over steps.

A program of its own, as it runs where JAX is installed (`make jax`). It compiles, which is not timed, then answers
every line on its input by training on for a while and printing milliseconds a replica and step: of processor time, or
by the clock on another PLATFORM of JAX's than cpu.

    build/jax/bin/python benchmarks/jax_peer.py WIDTH BATCH REPLICAS SECONDS [PLATFORM]
"""

import os
import sys
import time
from functools import partial
from itertools import pairwise

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import optax

POINTS, AT_ONCE = 100_000, 20  # of the data; steps of a scan
ADAM = optax.adam(1e-3, b1=0.5, b2=0.999)


def ring(key):
    """Points of eight Gaussians on a circle of radius 2."""
    which, noise = jax.random.split(key)
    angle = jax.random.randint(which, (POINTS,), 0, 8) * jnp.pi / 4
    return 2 * jnp.stack([jnp.cos(angle), jnp.sin(angle)], 1) + 0.02 * jax.random.normal(noise, (POINTS, 2))


def drawn(key, widths):
    """Weights and biases by torch's default rule."""
    keys = jax.random.split(key, 2 * (len(widths) - 1))
    bounds = [(i**-0.5, (i, o)) for i, o in pairwise(widths)]
    return [
        tuple(
            jax.random.uniform(k, s, minval=-bound, maxval=bound) for k, s in zip(pair, (shape, shape[1:]), strict=True)
        )
        for pair, (bound, shape) in zip(zip(keys[::2], keys[1::2], strict=True), bounds, strict=True)
    ]


def perceptron(layers, activation, x):
    for matrix, bias in layers[:-1]:
        x = activation(x @ matrix + bias)
    matrix, bias = layers[-1]
    return x @ matrix + bias


def generate(weights, latents):
    return perceptron(weights, jax.nn.relu, latents)


def judge(weights, samples):
    return perceptron(weights, partial(jax.nn.leaky_relu, negative_slope=0.2), samples)[..., 0]


def step(data, batch, state, key):
    """The critic's update, then the generator's, of the non-saturating game."""
    generator, critic, of_generator, of_critic = state
    pick, first, second = jax.random.split(key, 3)
    real = data[jax.random.randint(pick, (batch,), 0, POINTS)]
    fake = generate(generator, jax.random.normal(first, (batch, 2)))

    def critic_loss(weights):
        scores = judge(weights, jnp.concatenate([real, fake]))
        return jax.nn.softplus(-scores[:batch]).mean() + jax.nn.softplus(scores[batch:]).mean()

    update, of_critic = ADAM.update(jax.grad(critic_loss)(critic), of_critic)
    critic = optax.apply_updates(critic, update)

    def generator_loss(weights):
        return jax.nn.softplus(-judge(critic, generate(weights, jax.random.normal(second, (batch, 2))))).mean()

    update, of_generator = ADAM.update(jax.grad(generator_loss)(generator), of_generator)
    return (optax.apply_updates(generator, update), critic, of_generator, of_critic), None


def main(width, batch, replicas, seconds, platform="cpu"):
    jax.config.update("jax_platforms", platform)
    spent = time.process_time if platform == "cpu" else time.perf_counter
    key = jax.random.PRNGKey(0)
    data = ring(key)

    def begin(key):
        one, other = jax.random.split(key)
        generator, critic = drawn(one, (2, width, width, 2)), drawn(other, (2, width, width, 1))
        return generator, critic, ADAM.init(generator), ADAM.init(critic)

    def advance(state, key):
        return jax.lax.scan(partial(step, data, batch), state, jax.random.split(key, AT_ONCE))[0]

    train = jax.jit(lambda states, key: jax.vmap(advance)(states, jax.random.split(key, replicas)))
    states = jax.block_until_ready(train(jax.vmap(begin)(jax.random.split(key, replicas)), key))
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin):
        done, began, clock = 0, spent(), time.perf_counter()
        while time.perf_counter() - clock < seconds:
            states = jax.block_until_ready(train(states, jax.random.fold_in(key, 1000 * number + done)))
            done += 1
        print((spent() - began) / (done * AT_ONCE * replicas) * 1e3, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), float(sys.argv[4]), *sys.argv[5:])
