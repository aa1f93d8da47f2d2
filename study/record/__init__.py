"""The record: the ledger as two Parquet tables, which is all that analysis needs.

`build` writes them atomically, in the columns that `analysis.record.schema` declares; `sources` finds records
for a report, wherever they are. Start reading at `build.build_record`.
"""
