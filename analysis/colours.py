"""Colours of figures and pictures: Okabe and Ito's (2008), told apart by colour-blind readers, and greys.

`DISTANCES` are those of a Dirac-GAN's map, by how far a cell ends from the equilibrium; their lightness differs too.
"""

INK, MUTED, RULE, FAINT = "#1b1b1f", "#5d6068", "#c9cbd1", "#eeeff2"
STABLE = "#eef4ee"  # the ground of eigenvalues that decay
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, "#000000")  # of arms, in their order
DISTANCES = {"converged": "#004880", "nearer": "#bed8e8", "as far": "#faf7f0", "farther": "#e68200"}
