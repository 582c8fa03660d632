"""Checks manifests on stdin against the schemas of one Kubernetes version, strictly; prints what is wrong, if anything.

    python check_manifest.py < cronjob.yaml

Runs in an environment that has kubernetes-validate, which brings the schemas along.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def main() -> None:
    """Check each document of the stream."""
    validator: Any = importlib.import_module("kubernetes_validate")
    yaml: Any = importlib.import_module("yaml")
    for document in yaml.safe_load_all(sys.stdin):
        try:
            validator.validate(document, validator.latest_version(), strict=True)
        except validator.ValidationError as error:
            sys.stdout.write(f"{'.'.join(map(str, error.path))}: {error.message}\n")


if __name__ == "__main__":
    main()
