"""Follows the steps of `pipelines/Dockerfile` in an empty environment, where no container can be built.

    python3 tests/orchestrators/build_container.py FOLDER

FOLDER/venv stands for the base image, FOLDER/build for the folder that the steps begin in. An instruction that is not
known here ends the build, so that none is passed over. What a run of the image does is written to FOLDER/image.json.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NEVER_IN_AN_IMAGE = shutil.ignore_patterns("__pycache__", "*.pyc")


def build(folder: Path) -> None:
    """Do what the file says, and note what is left for a run."""
    image: dict[str, object] = {"env": {}}
    environment = {
        "PATH": f"{folder}/venv/bin:{os.defpath}",
        "HOME": str(folder),
        "PIP_QUIET": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    (folder / "build").mkdir(parents=True)
    for instruction, rest in instructions(ROOT / "pipelines" / "Dockerfile"):
        match instruction:
            case "FROM":
                venv.create(folder / "venv", with_pip=True)
            case "COPY":
                copy(shlex.split(rest), folder / "build")
            case "RUN":
                subprocess.run(["sh", "-ec", rest], cwd=folder / "build", env=environment, check=True)
            case "ENTRYPOINT" | "CMD":
                image[instruction.lower()] = json.loads(rest)
            case "ENV":
                image["env"] = dict(pair.split("=", 1) for pair in shlex.split(rest))
            case "WORKDIR" | "USER":
                image[instruction.lower()] = rest
            case _:
                raise SystemExit(f"{instruction} is not known here: add it, or leave it out")
    (folder / "image.json").write_text(json.dumps(image))


def instructions(dockerfile: Path) -> Iterator[tuple[str, str]]:
    """Each instruction and what follows it; lines that end in a backslash go on."""
    text = "\n".join(line for line in dockerfile.read_text().splitlines() if not line.startswith("#"))
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            instruction, _, rest = line.partition(" ")
            yield instruction, rest.strip()


def copy(words: list[str], place: Path) -> None:
    """Files into a folder, or what is in a folder into another."""
    *sources, target = words
    for source in (ROOT / name for name in sources):
        if source.is_dir():
            shutil.copytree(source, place / target, ignore=NEVER_IN_AN_IMAGE)
        else:
            shutil.copy(source, place / target)


if __name__ == "__main__":
    build(Path(sys.argv[1]).resolve())
