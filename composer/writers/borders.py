"""Borders: where beds come in and go out. Music leads in before the first words and rings on after the last."""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[dict[str, object]]

LEAD_IN_S = {"music": 2.5, "sound_effect": 1.5}
"""How long a bed is heard before the first foreground row of a scene."""
RING_ON_S = {"music": 3.0, "sound_effect": 1.5}
"""How long a bed is heard after the last one."""
INNER_RING_S = 1.2
"""How long music that ends within a scene goes on under what follows."""


def with_borders(rows: Rows) -> list[dict[str, object]]:
    """The rows with `start` on begin and end rows where the writer left it open; what is set stays.

    A bed that begins before anything is in the foreground leads in; the first foreground row waits for it.
    """
    told = [dict(row) for row in rows]
    foreground = [index for index, row in enumerate(told) if row.get("layout", "foreground") == "foreground"]
    if not foreground:
        return told
    first, last = foreground[0], foreground[-1]
    lead_s = 0.0
    for index, row in enumerate(told):
        kind = str(row["type"])
        if row.get("layout") != "background" or row.get("start") is not None:
            continue
        if row["action"] == "begin" and index < first:
            row["start"] = -LEAD_IN_S[kind]
            lead_s = max(lead_s, LEAD_IN_S[kind])
        elif row["action"] == "end" and index > last:
            row["start"] = RING_ON_S[kind]
        elif row["action"] == "end" and kind == "music":
            row["start"] = INNER_RING_S
    if lead_s and told[first].get("start") is None:
        told[first]["start"] = lead_s
    return told
