# %% [markdown]
# # Figures and tables for a paper
#
# One file each: PDF and SVG at the width of one column (3.3 in) or of the page (6.8 in), not to be scaled, and the
# tables in LaTeX (booktabs) and CSV. `GANSTUDY_PAPER` names the folder that they go to.

# %%
import os
from pathlib import Path

from analysis import figures, load
from analysis.figures.style import save
from analysis.report import find, pair_tables, table_files, tables

folder = Path(os.environ.get("GANSTUDY_FOLDER", "studies/quickstart"))
paper = Path(os.environ.get("GANSTUDY_PAPER", folder / "report" / "paper"))
record = load(folder)
findings = find(record)
looks, phase = findings.palette, findings.phase

# %% [markdown]
# ## One column

# %%
ended = [arm for arm in findings.outcomes[phase] if arm.n]
save(figures.outcome_bars(ended), paper, "outcomes")
save(figures.survival_curves(findings.survival[0], looks), paper, "survival")
save(figures.quality_strips(findings.quality, looks), paper, "quality")
save(figures.best_of_k(findings.best_of_k, looks), paper, "best-of-k")
save(figures.profiles(findings.profiles, looks), paper, "profiles")

# %%
if findings.comparison is not None:
    save(figures.pairwise_matrix(findings.comparison), paper, "pairs")
if findings.selection_bias:
    save(figures.selection_bias(findings.selection_bias, looks), paper, "selection-bias")

# %% [markdown]
# ## The width of the page

# %%
save(figures.learning_curves(findings.learning, looks), paper, "learning")
if findings.shares:
    save(figures.mode_shares(findings.shares), paper, "modes")

# %% [markdown]
# ## Tables

# %%
table_files.save(tables.outcome_table(ended, phase), paper)
table_files.save(pair_tables.quality_table(findings.quality, findings.comparison), paper)
print(table_files.latex(pair_tables.quality_table(findings.quality, findings.comparison)))

# %%
sorted(path.name for path in paper.iterdir())
