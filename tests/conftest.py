"""One thread a process, also in what tests start: more would wait for each other on processors that are all in use."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy or torch is imported
