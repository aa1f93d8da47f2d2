"""Storage of trials' files: a folder or a bucket, written atomically, held by one session at a time.

A store holds checkpoints, samples of pictures, the lease on it and the ledger's copy. Imports the ledger
and the configuration. Start reading at `store.Store`.
"""
