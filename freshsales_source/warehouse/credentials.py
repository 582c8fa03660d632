"""What the user is told where dlt finds no credentials for the destination, or none that it can read."""

from __future__ import annotations

from collections.abc import Iterator

from dlt.common.configuration.exceptions import ConfigurationException

from freshsales_source.errors import ConfigurationError

CREDENTIALS_REMEDY = (
    "Give dlt the destination's credentials, in .dlt/secrets.toml or the environment (see its manual)."
)


def configuration_error(error: BaseException) -> ConfigurationError | None:
    """The error as one of ours, if a setting of the destination led to it.

    In the words of dlt's own error: what led to that one may quote the setting, and with it a password.
    """
    causes = [cause for cause in causes_of(error) if isinstance(cause, ConfigurationException)]
    if not causes:
        return None
    first = next(iter(str(causes[-1]).strip().splitlines()), "")
    return ConfigurationError(f"the destination's settings: {first}", remedy=CREDENTIALS_REMEDY)


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, the innermost last, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
