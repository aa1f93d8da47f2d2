"""Results: what a record says about a study's arms, as frozen objects that are tested.

Selects rows of a record, hands arrays to `analysis.statistics`, and keeps what figures and the report show; it draws
nothing. Start reading at `outcomes.judge`, which decides how a replica ended, then `compare`.
"""
