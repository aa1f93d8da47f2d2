"""The ledger: the append-only account of a study, from which everything else follows.

After a kill at any instant every reader finds complete entries and the same state. Imports nothing of `study` but the
configuration's messages and the writing of files. Start reading at `entries`, the kinds of entry, then
`state.StudyState.replay`.
"""
