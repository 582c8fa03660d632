"""The command `freshsales`: arguments in, an exit code out. Results on stdout, logs and progress on stderr."""

from freshsales_source.cli.main import main

__all__ = ["main"]
