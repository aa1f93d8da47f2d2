"""What people see of a study: its cost before, its progress meanwhile, its state after.

Counts what the ledger's state holds against what the configuration plans, and prints tables; starts and changes
nothing. Start reading at `tally.Tally`, which `live` and `status` show.
"""
