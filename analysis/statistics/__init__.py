"""Statistics: arrays in, a named result with its interval out.

Knows neither a record nor pandas, and draws nothing; each result says what its interval captures and by which method.
`scipy.stats` is not imported by name: SciPy imports it where it is first used, which spares half a second those who use
none of its distributions, as a run of a study does. Start reading at `intervals.Interval`, then `bootstrap`.
"""
