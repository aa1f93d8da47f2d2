"""Models: what is trained on a spec, a population of replicas at once.

Each keeps the promises of `model.Model`, so that `trainables.training` need not know which one it trains. Imports
specs, metrics, objectives, networks, penalties and data. Start reading at `updates`, one adversarial step on a page,
then `gan`.
"""
