"""People's texts, fit to be shown: labels and names hold whatever somebody typed, commands for a terminal included."""

from __future__ import annotations


def one_line(text: str, most: int = 200) -> str:
    """The text in one line of at most `most` characters; what cannot be seen stands there as an escape.

    Escaped are line ends, control codes, and marks that turn the direction of writing.
    """
    short = text if len(text) <= most else f"{text[: most - 3]}..."
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in short)
