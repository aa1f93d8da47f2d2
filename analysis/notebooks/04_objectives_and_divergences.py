# %% [markdown]
# # Objectives and the divergences they follow
#
# What each pair (f, g) does against the best of all critics, and what the critics of this study reached instead.

# %%
import json
import os
from pathlib import Path

from analysis import figures
from analysis.learning import learning
from analysis.report import find
from analysis.style import arms_in_order, palette
from analysis.table import load

folder = Path(os.environ.get("GANSTUDY_FOLDER", "studies/quickstart"))
record = load(folder)
looks = palette(arms_in_order(record.trials))
phase = find(record).phase

# %% [markdown]
# ## Known before training
# `ganstudy report` leaves what it says of the study's pairs in `report/objectives.json`; `ganstudy objective NAME
# --json` says the same of any other.

# %%
kept = folder / "report" / "objectives.json"
explained = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
for pair in explained:
    print(pair["sentence"])

# %%
pictures = [figures.explanation(pair) for pair in explained]
pictures[0] if pictures else print("run `ganstudy report` first")

# %% [markdown]
# ## Estimated during training
# The critic's own estimate of sup F, the value that the best critic would reach, and the gap between them: where the
# gap is wide, the generator does not follow the divergence that the pair stands for.

# %%
measured = learning(record, ["critic_bound", "induced_divergence", "bound_gap", "ratio_error"], phase)
figures.learning_curves(measured, looks) if measured else print("no divergence was measured in this study")

# %% [markdown]
# ## The critic
# At an equilibrium of the minimax pair both probabilities are one half, and accuracy on held-out data is too.

# %%
outputs = learning(record, ["probability_real", "probability_fake", "critic_accuracy"], phase)
figures.learning_curves(outputs, looks) if outputs else print("no critic was measured in this study")

# %% [markdown]
# ## The game's Jacobian
# Eigenvalues with positive real parts leave the equilibrium, large imaginary parts circle it.

# %%
spectrum = ["jacobian_real", "jacobian_imaginary", "jacobian_radius"]
record.trials.groupby(["phase", "arm"], observed=True)[spectrum].median()
