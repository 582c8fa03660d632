"""The names that Freshsales gives its saved views (documented, six clients): the only ones a probe ever prints.

What people name or rename may tell of them; these do not.
"""

from __future__ import annotations

SYSTEM_VIEWS = (
    "All Contacts",
    "My Contacts",
    "New Contacts",
    "All Accounts",
    "My Accounts",
    "My Territory Accounts",
    "My Deals",
    "My Territory Deals",
    "Recent Deals",
    "Recently Imported",
    "Hot Deals",
    "Cold Deals",
    "Closing this week",
    "This month's sales",
    "Open Deals",
    "Won Deals",
    "Lost Deals",
    "Recycle Bin",
)
