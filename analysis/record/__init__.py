"""A study's record: its schema, loading it, joining several, and what lies beside it.

Start reading at `schema.HISTORY`, the columns, and `loading.load`.
"""
