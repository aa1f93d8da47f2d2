"""Runs trials on Tune's workers and records their results.

The driver's half is `tuning.train` and `recorder.Recorder`, the worker's half `worker.Worker` around `trial.Trial`;
they share `job.Job` and nothing else. May import every package below it; only `study.run` and the commands import it.
Start reading at `trial.Trial.report`.
"""
