"""What the terminal shows of a study: its expected cost, its progress, its status.

Counts what the ledger's state holds against what the configuration plans, and prints tables; starts and changes
nothing. Start reading at `tally.Tally`, which `live` and `status` show.
"""
