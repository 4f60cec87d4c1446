"""`{"arch1": {"acc": 0.5, "arch": CODE}, ...}`, and the same with the key `arc`.

The official shape of both challenges (challenge-2021.md 2.1, challenge-2022.md 2.1); pretty-printed and with the inner
keys in either order it is the same. `arc` is a participant's of 2021 (challenge-2021.md 2.2).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converters.tables.results import Row
from converters.tables.shape import Found, Shape, json_file
from toolkit.candidates import dump_entries, to_table


def _read(path: Path, entries: dict[str, Any]) -> Found:
    for entry in entries.values():
        if isinstance(entry, dict) and "arc" in entry and "arch" not in entry:
            entry["arch"] = entry.pop("arc")
    table = to_table(path, entries)
    whole = [key for key in table.ids if key in table.codes and key in table.accs]
    return Found([Row(key, table.codes[key], table.accs[key]) for key in whole], table.ids, table.problems)


def _dump(rows: Sequence[Row]) -> bytes:
    return dump_entries({row.id: row.code for row in rows}, {row.id: row.top1 for row in rows})


def _dump_arc(rows: Sequence[Row]) -> bytes:
    return json_file({row.id: {"acc": row.top1, "arc": row.code} for row in rows})


OFFICIAL = Shape("official", '{"arch1": {"acc": 0.5, "arch": CODE}}', ids=True, top5=False, read=_read, dump=_dump)
ARC = Shape("arc", '{"arch1": {"acc": 0.5, "arc": CODE}}', ids=True, top5=False, read=_read, dump=_dump_arc)
