"""Kept generators: files of trained weights that explain themselves, read back as samples and as plain modules.

`file` says what such a file holds, `samples` draws the same samples for the same seed, and `modules` gives one replica
as an ordinary `nn.Module`, or exports it for use without ganstudy. Start reading at `file.Kept`.
"""

from trainables.kept.file import WEIGHTS, Kept, KeptError, from_bytes, to_bytes
from trainables.kept.modules import export, load_generator
from trainables.kept.samples import draw

__all__ = ["WEIGHTS", "Kept", "KeptError", "draw", "export", "from_bytes", "load_generator", "to_bytes"]
