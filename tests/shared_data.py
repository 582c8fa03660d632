"""Where the recorded API answers lie, for the tests that replay them: beside the repository, never inside
it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is absent")
