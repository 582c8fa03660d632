"""A Freshsales account to develop and test against: real state, the API's shapes, limits, faults and moods.

In process it is a WSGI application (`Emulator.wsgi`), on a socket a server (`serve`). It is written from
the notes on the API, not from this package's client, imports nothing of it, and is never easier to read
than the real thing.

What it does not emulate: writing over HTTP, search and lookup, who is in a list of contacts, CPQ documents,
conversations, webhooks, sub-second stamps, OAuth.
"""

from freshsales_source.emulator.account import Account
from freshsales_source.emulator.app import Emulator, LoggedRequest
from freshsales_source.emulator.clock import Clock, SystemClock
from freshsales_source.emulator.company import generate_company
from freshsales_source.emulator.faults import ConnectionDropped, Fault, Faults
from freshsales_source.emulator.field_administration import delete_custom_field, retype_custom_field
from freshsales_source.emulator.limits import Limits, Window
from freshsales_source.emulator.record_feeds import add_note, change_note, remove_note
from freshsales_source.emulator.seed_folder import SeedFolderIncomplete, read_folder
from freshsales_source.emulator.server import RunningServer, serve
from freshsales_source.emulator.store import Store, UnknownRecord
from freshsales_source.emulator.switch import SwitchNote
from freshsales_source.emulator.switch_texts import with_texts
from freshsales_source.emulator.switches import Switches

__all__ = [
    "Account",
    "Clock",
    "ConnectionDropped",
    "Emulator",
    "Fault",
    "Faults",
    "Limits",
    "LoggedRequest",
    "RunningServer",
    "SeedFolderIncomplete",
    "Store",
    "SwitchNote",
    "Switches",
    "SystemClock",
    "UnknownRecord",
    "Window",
    "add_note",
    "change_note",
    "delete_custom_field",
    "generate_company",
    "read_folder",
    "remove_note",
    "retype_custom_field",
    "serve",
    "with_texts",
]
