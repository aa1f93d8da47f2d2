"""Populations on a card beside plain loops, loops under CUDA graphs and JAX: `python -m benchmarks.gpu`."""
