"""Looks at trained networks: densities on a line, walks in the latent space, critics trained on.

Reads a `Training` and returns arrays for pictures; nothing of training hangs on it. May import every room of
`trainables`. Start reading at `one_dimensional`.
"""
