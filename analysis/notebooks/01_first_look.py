# %% [markdown]
# # A first look at a study
#
# What was run, how it ended, and what training looked like. Everything is read from the study's two Parquet files;
# `GANSTUDY_FOLDER` names the study's folder.

# %%
import os
from pathlib import Path

from analysis import figures, load
from analysis.figures.style import palette
from analysis.report import answer, find
from analysis.results.learning import learning, mode_shares
from analysis.results.selection import arms_in_order, select

folder = Path(os.environ.get("GANSTUDY_FOLDER", "studies/quickstart"))
findings = find(load(folder))
record = findings.record  # its outcomes by the present rule
looks = palette(arms_in_order(record.trials))

# %% [markdown]
# ## What there is
# A row of `trials` is a replica: one seed of one configuration.

# %%
record.trials.groupby(["phase", "arm", "status"], observed=True)["trial_id"].agg(trials="nunique", replicas="size")

# %%
record.trials.groupby(["phase", "arm", "outcome"], observed=True).size().unstack(fill_value=0)

# %% [markdown]
# ## The answer in short
# The same sentences as at the top of the report.

# %%
said = answer(findings)
print(said.question, *said.found, *said.caveats, sep="\n\n")

# %% [markdown]
# ## Training
# Median and quartiles over replicas; a diverged replica counts as worse than any other.

# %%
figures.learning_curves(learning(select(record, findings.phase), ["fid", "modes", "critic_accuracy"]), looks)

# %% [markdown]
# Which modes the samples fall into, for the first seeds of each arm's best configuration.

# %%
shares = mode_shares(record, list(findings.shown.values()))
figures.mode_shares(shares) if shares else print("these data have no modes")
