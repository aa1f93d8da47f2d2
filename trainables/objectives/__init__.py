"""Adversarial objectives: a table of pairs (f, g), and what each pair does before any training.

Imports the checks, penalties and own code beside it and no other room. Start reading at `table`, a row an objective;
`optimum` and `induced` find the critic's optimum and the divergence of any pair, one of the user's own included.
"""

from trainables.objectives.table import GENERATOR_LOSSES, OBJECTIVES, Function, Game, Objective, check, resolve

__all__ = ["GENERATOR_LOSSES", "OBJECTIVES", "Function", "Game", "Objective", "check", "resolve"]
