"""Feeds: what can be asked for one record at a time only, read after the records themselves."""
