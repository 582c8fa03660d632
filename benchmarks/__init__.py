"""Measurements of the connector: README.md says what they show, `python3 run.py bench --help` how to run them."""
