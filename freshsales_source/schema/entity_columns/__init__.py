"""The columns of each entity, typed: every key seen in the records of an object, what it means, and how sure
that is.

Types follow the wire: money arrives as text (`"7700.0"`) and is a decimal; `created_at` and its like are
stamps with the account's offset; `expected_close` and `closed_date` are dates. Where a key was only ever
null, its type is a guess marked ASSUMED: a value that does not fit the guess is kept as text in
`<column>__raw` and counted, so a wrong guess loses nothing. The `..._date` keys of tasks, appointments and
activities hold stamps, not dates (recorded).

Volatile (`is_volatile`): seen to change at an unchanged `updated_at` (`age`, `rotten_days`,
`open_deals_count` in recorded pairs of April and November 2023), or a counter of the same kind
(`won_deals_count`, assumed).

One module for each object, or few that belong together; `words.py` holds the words they are written in.
"""
