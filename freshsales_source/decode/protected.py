"""Columns of personal data, between decoding and the tables: hashed, and the texts of misfits with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from freshsales_source.decode.arrow_types import TEXT
from freshsales_source.schema.entity_types import Protection

Arrays: TypeAlias = Mapping[str, pa.Array]


def stored(
    table: str, columns: Arrays, raws: Arrays, protected: Mapping[str, Protection]
) -> tuple[Arrays, Arrays]:
    """The columns and raw texts of one table as the warehouse may have them.

    A column that is left out stays among `columns`: no schema asks for it. Of a hashed one a value that did not fit
    is hashed, too. Neither leaves a raw text.
    """
    if not protected:
        return columns, raws
    hidden = {name: one for name in columns if (one := protected.get(f"{table}.{name}")) is not None}
    hashes = {name: _hashed(columns[name], raws.get(name), one) for name, one in hidden.items()}
    return {**columns, **hashes}, {name: texts for name, texts in raws.items() if name not in hidden}


def _hashed(values: pa.Array, raw: pa.Array | None, protection: Protection) -> pa.Array:
    if protection.digest is None:
        return pa.nulls(len(values), TEXT)
    texts = values.cast(TEXT)
    if raw is not None:
        texts = pc.coalesce(texts, raw)
    known = {text: protection.digest(text) for text in texts.unique().drop_null().to_pylist()}
    return pa.array([None if text is None else known[text] for text in texts.to_pylist()], TEXT)
