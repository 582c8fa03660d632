"""What the command tells the shell, and which of several reasons wins.

The numbers are a contract with schedulers: 75 (`EX_TEMPFAIL`) means "run me again", 3 "a person is needed".
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the `freshsales` command."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    CONFIGURATION = 3  # key, domain or rights, and no object could be read: retrying is useless
    INCOMPLETE = 4  # finished, but an object failed or does not match; the others are loaded
    UNFINISHED = 75  # quota, `max_calls`, network, lock: run again later
    INTERRUPTED = 130  # Ctrl-C or SIGTERM, state saved


def prevailing(codes: Iterable[int]) -> ExitCode:
    """The one code that stands for several causes; DONE when there is none.

    130 before 3 before 75 before 4. A usage error or a bug (2, 1) stands before 3: it hides the rest.
    """
    return min(map(ExitCode, codes), key=_PRECEDENCE.index, default=ExitCode.DONE)


_PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.USAGE,
    ExitCode.UNEXPECTED,
    ExitCode.CONFIGURATION,
    ExitCode.UNFINISHED,
    ExitCode.INCOMPLETE,
    ExitCode.DONE,
)
