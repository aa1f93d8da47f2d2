"""Files of trials: where they lie, who holds them, and how they are found whole or not at all.

A store is a folder or a bucket; checkpoints, the lease on the store and the ledger's copy lie in it. Imports the ledger
and the configuration. Start reading at `store.Store`.
"""
