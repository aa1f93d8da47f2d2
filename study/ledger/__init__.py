"""The ledger: the append-only account of a study, from which everything else follows.

Whoever reads it after a kill at any instant finds whole entries and the same state. Imports nothing of `study` but the
configuration's messages and the writing of files. Start reading at `entries`, the kinds of entry, then
`state.StudyState.replay`.
"""
