"""Page bytes into typed Arrow tables: parent, children and bridges of one entity together, with declared
types.

    layout = Layout.of(entity("contacts"), custom=columns)
    page = decode_page(body, layout, envelope="contacts", read=Reading(synced_at=now))

Two readers give the same tables. The fast one (`fast.py`) lets Arrow parse the whole body against the layout
and refuses whatever does not fit to the letter; the slow one (`slow.py`) then reads the page value by value
with the standard library, keeps what does not fit beside its column, and alone decides what is an error. Both
are safe to call from several threads at once, one page each.
"""

from freshsales_source.decode.layout import Layout
from freshsales_source.decode.page import Page, Reading, decode_page, decode_record

__all__ = ["Layout", "Page", "Reading", "decode_page", "decode_record"]
