"""Diff: what is different between two tables or scenes, by the keys of their rows, and what a render would cost."""

from __future__ import annotations

import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from composer.errors import SceneInvalid, ScriptInvalid
from composer.formats.layout import cell_text, row_object
from composer.keys import with_keys_of
from composer.render import Planned, plan_render
from composer.rows import AnyRow, row_cells
from composer.scene import Scene
from composer.script import Script, script_of
from composer.tables import read_raw_rows

SHOWN = 70
"""So many characters of a cell are shown."""


@dataclass(frozen=True)
class Whole:
    """A row that only one of the tables has; `after` is the key of the row above it, empty at the top."""

    row: str
    after: str
    cells: dict[str, object]


@dataclass(frozen=True)
class Moved:
    row: str
    after: str
    was_after: str


@dataclass(frozen=True)
class Changed:
    """One cell, or one setting of scene.toml."""

    row: str
    column: str
    old: object
    new: object


@dataclass(frozen=True)
class Diff:
    added: tuple[Whole, ...] = ()
    removed: tuple[Whole, ...] = ()
    moved: tuple[Moved, ...] = ()
    changed: tuple[Changed, ...] = ()
    settings: tuple[Changed, ...] = ()
    render: Planned | None = field(default=None, compare=False)
    """What a render of the new table would do; None where there is no scene to render in."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.moved or self.changed or self.settings)

    def as_json(self) -> dict[str, object]:
        """The shape that machines read."""
        settings = [{"name": one.column, "old": one.old, "new": one.new} for one in self.settings]
        return {
            **{kind: [asdict(one) for one in getattr(self, kind)] for kind in ("added", "removed", "moved", "changed")},
            "settings": settings,
            "render": self.render.__dict__ if self.render else None,
        }


def diff(old: Path, new: Path) -> Diff:
    """What is different between two tables or scenes. Reads only. Raises ScriptInvalid, SceneInvalid, TableUnreadable.

    The cost is that of rendering the new table in its scene, or in the old one's where only that is a scene.
    """
    before = script_at(old)
    after = script_at(new, keys_of=before)
    home = next((Scene(path) for path in (new, old) if path.is_dir()), None)
    settings = _settings_diff(Scene(old), Scene(new)) if old.is_dir() and new.is_dir() else ()
    planned = plan_render(home, script=after) if home is not None else None
    found = diff_scripts(before, after)
    return Diff(found.added, found.removed, found.moved, found.changed, settings, planned)


def script_at(path: Path, *, keys_of: Script | None = None) -> Script:
    """The script of a scene folder or of a table file. Nothing is written, keys neither. Raises ScriptInvalid."""
    table = Scene(path).script_path if path.is_dir() else path
    if path.is_dir() and not table.is_file():
        raise SceneInvalid(f"{path}: has no {table.name}")
    raw = read_raw_rows(table)
    try:
        return script_of(with_keys_of(keys_of, raw) if keys_of is not None else raw)
    except ScriptInvalid as error:
        raise ScriptInvalid(error.faults, str(table)) from error


def diff_scripts(old: Script, new: Script) -> Diff:
    """Rows are the same where their keys are. A row is moved when it passed others that are in both tables."""
    before, after = ({row.row: row for row in script.rows} for script in (old, new))
    old_above, new_above = _above(old.rows), _above(new.rows)
    position = {key: number for number, key in enumerate(before)}
    common = [key for key in after if key in before]
    stays = _longest_in_order([position[key] for key in common])
    return Diff(
        added=tuple(Whole(key, new_above[key], row_object(row)) for key, row in after.items() if key not in before),
        removed=tuple(Whole(key, old_above[key], row_object(row)) for key, row in before.items() if key not in after),
        moved=tuple(Moved(key, new_above[key], old_above[key]) for key in common if position[key] not in stays),
        changed=tuple(change for key in common for change in _changes(before[key], after[key])),
    )


def _above(rows: Sequence[AnyRow]) -> dict[str, str]:
    keys = [row.row for row in rows]
    return dict(zip(keys, ["", *keys], strict=False))


def _changes(old: AnyRow, new: AnyRow) -> Iterator[Changed]:
    before, after = row_cells(old), row_cells(new)
    for column in {**before, **after}:
        if before.get(column) != after.get(column):
            yield Changed(new.row, column, before.get(column), after.get(column))


def _longest_in_order(positions: Sequence[int]) -> set[int]:
    """The longest run of positions that rise: what is not in it has moved (patience sorting, O(n log n))."""
    tops: list[int] = []
    piles: list[int] = []
    below: dict[int, int | None] = {}
    for position in positions:
        pile = bisect_left(tops, position)
        tops[pile : pile + 1] = [position]
        piles[pile : pile + 1] = [position]
        below[position] = piles[pile - 1] if pile else None
    found: set[int] = set()
    last = piles[-1] if piles else None
    while last is not None:
        found.add(last)
        last = below[last]
    return found


def _settings_diff(old: Scene, new: Scene) -> tuple[Changed, ...]:
    before, after = (dict(_flat(_toml(scene))) for scene in (old, new))
    names = [*before, *(name for name in after if name not in before)]
    return tuple(
        Changed("", name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )


def _toml(scene: Scene) -> dict[str, object]:
    scene.read_settings()  # raises for what cannot be used
    return tomllib.loads(scene.settings_path.read_text("utf-8-sig")) if scene.settings_path.exists() else {}


def _flat(settings: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def told(found: Diff) -> list[str]:
    """A diff in lines for people."""
    lines = [f"- {one.row}  {_row_in_words(one.cells)}" for one in found.removed]
    lines += [f"+ {one.row}  {_row_in_words(one.cells)}, {_place(one.after)}" for one in found.added]
    lines += [f"  {one.row}  moved {_place(one.after)}; was {_place(one.was_after)}" for one in found.moved]
    lines += [f"  {one.row}  {one.column}: {_shown(one.column, one.old)} -> {_shown(one.column, one.new)}"
              for one in found.changed]  # fmt: skip
    lines += [f"  scene.toml  {one.column}: {_shown('', one.old)} -> {_shown('', one.new)}" for one in found.settings]
    counts = ("added", "removed", "moved")
    parts = [f"{len(getattr(found, kind))} {kind}" for kind in counts if getattr(found, kind)]
    rows = {one.row for one in found.changed}
    parts += [f"{_counted(len(found.changed), 'cell')} changed in {_counted(len(rows), 'row')}"] if rows else []
    parts += [f"{_counted(len(found.settings), 'setting')} changed"] if found.settings else []
    return [*lines, ", ".join(parts) or "no difference", *([cost(found.render)] if found.render else [])]


def cost(planned: Planned) -> str:
    n_made, n_all = len(planned.synthesize), len(planned.synthesize) + len(planned.cached)
    made = f" ({', '.join(planned.synthesize[:10])}{', …' if n_made > 10 else ''})" if n_made else ""
    return (
        f"a render would make {n_made} of {n_all} clips{made}, about {planned.estimated_s:.0f} s, "
        f"${planned.estimated_usd:.2f}"
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _row_in_words(cells: Mapping[str, object]) -> str:
    names = [str(cells[name]) for name in ("type", "action", "id", "character") if name in cells]
    return " ".join([*names, _shown("description", cells.get("description"))])


def _place(after: str) -> str:
    return f"after {after}" if after else "at the top"


def _shown(column: str, value: object) -> str:
    if value is None:
        return "(empty)"
    text = " ".join(cell_text(column, value).split())
    text = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    return f'"{text}"' if isinstance(value, str) else text
