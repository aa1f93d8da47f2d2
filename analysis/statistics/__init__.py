"""Statistics: arrays in, a named result with its interval out.

Knows neither a record nor pandas, and draws nothing; each result says what its interval captures and by which method.
Start reading at `intervals.Interval`, then `bootstrap`. `scipy.stats` would take each command half a second to import;
`distributions` and `mid_ranks` have what is used of it.
"""
