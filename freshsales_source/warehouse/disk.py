"""What the user is told where dlt cannot write its own folder on this machine."""

from __future__ import annotations

import errno
from pathlib import Path

from dlt.common.pipeline import get_dlt_pipelines_dir

from freshsales_source.errors import ConfigurationError
from freshsales_source.warehouse.credentials import causes_of

_OF_THE_DISK = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE}
)


def disk_error(error: BaseException) -> ConfigurationError | None:
    """The error as one of ours, if a file that dlt keeps on this machine led to it: a full disk, lost rights."""
    folder = get_dlt_pipelines_dir()
    for cause in causes_of(error):
        if isinstance(cause, OSError) and cause.errno in _OF_THE_DISK:
            # A write to a full disk names no file.
            file = None if cause.filename is None else Path(str(cause.filename)).resolve()
            is_there = file is None or file.is_relative_to(Path(folder).resolve())
            return cannot_write(folder, cause) if is_there else None
    return None


def cannot_write(folder: str, error: OSError) -> ConfigurationError:
    """What is said of a folder of dlt's that refused a file."""
    return ConfigurationError(
        f"dlt's folder {folder} cannot be written ({error.strerror})",
        remedy="Make room there, or set DLT_DATA_DIR to a folder that this user can write to. Then run the same command"
        " again: it goes on from what was loaded.",
    )
