"""Pictures of samples as plain arrays of pixels, drawn without matplotlib.

A study draws them while it runs, so they need NumPy, SciPy and Pillow alone. Start reading at `render.picture`.
"""
