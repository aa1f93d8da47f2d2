# %% [markdown]
# # Objectives, and what their critics reached
#
# What each pair (f, g) does against the best of all critics, and what the critics of this study reached instead.

# %%
import json
import os
from pathlib import Path

from analysis import figures, load
from analysis.figures.dirac import MOST
from analysis.report import find, tables
from analysis.report.table_files import frame
from analysis.results.dirac import dirac_map
from analysis.results.learning import learning
from analysis.results.selection import select

folder = Path(os.environ.get("GANSTUDY_FOLDER", "studies/quickstart"))
record = load(folder)
findings = find(record)
looks, phase = findings.palette, findings.phase

# %% [markdown]
# ## Known before training
# `ganstudy report` leaves what it says of the study's pairs in `report/objectives.json`, in the study's folder or, with
# `--out`, in the one above; `ganstudy objective NAME --json` says the same of any other.

# %%
kept = [place / "report" / "objectives.json" for place in (folder, folder.absolute().parent)]
texts = [path.read_text(encoding="utf-8") for path in kept if path.is_file()]
explained = json.loads(texts[0]) if texts else []
for pair in explained:
    print(pair["sentence"])

# %%
pictures = [figures.explanation(pair) for pair in explained]
pictures[0] if pictures else print("run `ganstudy report` first")

# %% [markdown]
# ## Estimated during training
# What the critics estimate, and in black the divergence that the best of all critics would find: where the line runs
# below it, the generator does not follow the divergence that the pair stands for.

# %%
curves = findings.bound_curves
figures.bound_curves(curves, looks) if curves else print("no true divergence is known in this study")

# %% [markdown]
# At the end: the gap between the two, and how wrong the density ratio is that can be read from the critic.

# %%
ends = findings.critic_bounds
figures.bound_errors(ends, looks) if ends else print("no divergence was measured in this study")

# %%
frame(tables.critic_bound_table(ends)) if ends else "there is none"

# %% [markdown]
# ## The critic
# At an equilibrium of the minimax pair both probabilities are one half, and accuracy on held-out data is too.

# %%
outputs = learning(select(record, phase), ["probability_real", "probability_fake", "critic_accuracy"])
figures.learning_curves(outputs, looks) if outputs else print("no critic was measured in this study")

# %% [markdown]
# ## The game's Jacobian
# The leading eigenvalue of each replica: left of the line the point at which training ended is stable, right of
# it unstable; far from the horizontal axis they go in circles.

# %%
found = findings.spectra
figures.spectra(found, looks) if found else print("no Jacobian was measured in this study")

# %%
frame(tables.spectra_table(found)) if found else "there is none"

# %% [markdown]
# ## Maps of the Dirac-GAN
# What happened in every cell of steps and gammas from the first start, beside what its eigenvalues predict.

# %%
maps = [one for arm, trial in findings.shown.items() if (one := dirac_map(folder, arm, trial)) is not None]
figures.dirac_maps(maps[:MOST]) if maps else print("this study has no map of Dirac-GANs")

# %%
frame(tables.dirac_table(findings.dirac)) if findings.dirac else "there is none"
