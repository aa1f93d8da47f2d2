"""A study's record: its schema, loading it, joining several, and what lies beside it."""
