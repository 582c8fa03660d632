"""dlt resources, made from the rows of the entity table."""
