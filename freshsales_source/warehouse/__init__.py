"""The warehouse: the dlt pipeline that loads it, its lock, its own tables, and the questions asked of it."""
