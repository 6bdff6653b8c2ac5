"""The manifest of a batch (csv, jsonl, yaml) -> scene specs, with every fault by row and column."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from composer.batches.specs import FILES, PLANNED, SOURCES, SceneSpec
from composer.batches.variables import Row, Template, VariablesUnusable, template_of
from composer.errors import ComposerError, TableUnreadable
from composer.faults import Fault
from composer.formats.layout import decode

MAX_BYTES = 256 * 2**20
MAX_CELL = 200_000
MAX_SCENES = 100_000
MAX_TOLD = 20
KEYS = (*SceneSpec.model_fields, "variables", "combine")
NESTED = ("engines", "cast", "about", "variables")
"""Keys that hold keys: in a CSV file their columns are written with a dot, as engines.speech."""

Placed = tuple[str, Row]
"""Where a row stands in its file, and the row."""


class ManifestInvalid(ComposerError):
    """A manifest has faults; `faults` names each with row and column, the text the first of them."""

    def __init__(self, path: Path, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        lines = [f"{path}: {fault}" for fault in faults[:MAX_TOLD]]
        if len(faults) > MAX_TOLD:
            lines.append(f"and {len(faults) - MAX_TOLD:,} more faults")
        super().__init__("\n".join(lines))


def read_manifest(path: Path) -> list[SceneSpec]:
    """The scenes that a manifest asks for, in its order. Raises TableUnreadable and ManifestInvalid."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise TableUnreadable(f"{path}: manifests end in {', '.join(_READERS)}; rename or convert the file")
    rows = reader(_read_text(path), path)
    faults: list[Fault] = []
    specs: list[SceneSpec] = []
    taken: dict[str, str] = {}
    for place, row in _filled_rows(rows, faults):
        spec = _spec(place, row, path.parent, faults)
        if spec is None:
            continue
        specs.append(spec)
        key = spec.name.casefold()  # file systems may know no case
        if key in taken:
            faults.append(
                Fault(place, "name", f"{spec.name!r} is the name of row {taken[key]} already; choose another")
            )
        taken.setdefault(key, place)
    if not rows and not faults:
        raise TableUnreadable(f"{path}: names no scenes; a scene needs at least a name and one of {', '.join(SOURCES)}")
    if faults:
        raise ManifestInvalid(path, faults)
    return specs


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TableUnreadable(f"{path}: has {path.stat().st_size:,} bytes, at most {MAX_BYTES:,} are read")
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise TableUnreadable(f"{path}: cannot be read: {error.strerror}") from error


def _csv_rows(text: str, path: Path) -> list[Placed]:
    """Comma, semicolon or tab between cells: whichever gives the first line the most of our keys."""
    csv.field_size_limit(MAX_CELL)
    first = next((line for line in text.splitlines() if line.strip()), "")

    def n_known(separator: str) -> int:
        return sum(heading.strip('" ').split(".")[0] in KEYS for heading in first.split(separator))

    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=n_known), strict=True)
    try:
        lines = [(reader.line_num, line) for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise TableUnreadable(f"{path}: line {reader.line_num}: is not CSV: {error}") from error
    if not lines:
        return []
    header = [heading.strip() for heading in lines[0][1]]
    for heading in header:
        if header.count(heading) > 1:
            raise TableUnreadable(f"{path}: has two columns {heading!r}; keep one")
    rows: list[Placed] = []
    for number, line in lines[1:]:
        if len(line) > len(header) and any(cell.strip() for cell in line[len(header) :]):
            raise TableUnreadable(
                f"{path}: line {number} has {len(line)} cells, the first line {len(header)}; "
                "put quotes around text that holds the separator"
            )
        rows.append((str(number), _nested(dict(zip(header, line, strict=False)))))
    return rows


def _nested(cells: Mapping[str, str]) -> Row:
    """Cells that are not empty, and engines.speech as speech in engines."""
    row: Row = {}
    for heading, cell in cells.items():
        if not cell.strip():
            continue
        outer, dot, inner = heading.partition(".")
        if dot and outer in NESTED:
            inside = row.setdefault(outer, {})
            if isinstance(inside, dict):
                inside[inner] = cell.strip()
        else:
            row[heading] = cell.strip()
    return row


def _jsonl_rows(text: str, path: Path) -> list[Placed]:
    rows: list[Placed] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise TableUnreadable(f"{path}: line {number}: is not JSON: {error}; write one object a line") from error
        rows.append((str(number), _as_row(row, path, f"line {number}")))
    return rows


def _yaml_rows(text: str, path: Path) -> list[Placed]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        data = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise TableUnreadable(f"{path}: is not YAML: {error}") from error
    if isinstance(data, dict) and set(data) == {"scenes"}:
        data = data["scenes"]
    if not isinstance(data, list):
        raise TableUnreadable(f"{path}: holds no scenes; write a list, each scene as `- name: ...`")
    return [(f"#{number}", _as_row(row, path, f"scene #{number}")) for number, row in enumerate(data, 1)]


def _as_row(row: object, path: Path, place: str) -> Row:
    if not isinstance(row, dict):
        raise TableUnreadable(f"{path}: {place}: is {type(row).__name__}, not a scene with keys")
    return {str(key): value for key, value in row.items() if value is not None}


_READERS: dict[str, Callable[[str, Path], list[Placed]]] = {
    ".csv": _csv_rows,
    ".jsonl": _jsonl_rows,
    ".yaml": _yaml_rows,
    ".yml": _yaml_rows,
}


def _filled_rows(rows: Sequence[Placed], faults: list[Fault]) -> Iterator[Placed]:
    """Every row, templates filled. Stops with a fault before there are too many."""
    n_scenes = 0
    for place, raw in rows:
        try:
            template = template_of(raw)
            n_scenes += template.n_rows() if template else 1
            if n_scenes > MAX_SCENES:
                message = f"makes {n_scenes:,} scenes, at most {MAX_SCENES:,} are made in one batch; split the manifest"
                faults.append(Fault(place, "variables" if template else "", message))
                return
            yield from _rows_of(place, raw, template)
        except VariablesUnusable as error:
            faults.append(Fault(place, error.column, str(error)))


def _rows_of(place: str, raw: Row, template: Template | None) -> Iterator[Placed]:
    if template is None:
        yield place, raw
        return
    for row in template.rows():
        yield f"{place} ({str(row.get('name', ''))[:60]})", row


def _spec(place: str, row: Row, home: Path, faults: list[Fault]) -> SceneSpec | None:
    n_before = len(faults)
    try:
        spec = SceneSpec.model_validate(row)
    except ValidationError as error:
        faults += [_fault(place, dict(details)) for details in error.errors(include_url=False)]
        return None
    sources = [name for name in SOURCES if getattr(spec, name)]
    if len(sources) != 1 and sources != ["prompt", "picture"]:
        given = f"not {' and '.join(sources)}" if sources else "none is given"
        faults.append(Fault(place, sources[-1] if sources else "prompt", f"give one of {', '.join(SOURCES)}; {given}"))
    for key in ("length_s", "language"):
        if key in spec.model_fields_set and sources and sources[-1] not in PLANNED:
            planned = f"serves scenes that are planned from {' or '.join(PLANNED)}"
            faults.append(Fault(place, key, f"{planned}; the words of a {sources[-1]} stay as they are"))
    files = {name: home / path for name in FILES if (path := getattr(spec, name)) is not None}
    for name, path in files.items():
        fault = _file_fault(name, path)
        if fault:
            faults.append(Fault(place, name, fault))
    return spec.model_copy(update=files) if len(faults) == n_before else None


def _file_fault(name: str, path: Path) -> str | None:
    try:
        if path.is_file():
            return None
        if path.is_dir() and name == "table":
            return None if (path / "script.csv").is_file() else f"{path} is a folder without a script.csv"
        missing = "is a folder, not a file" if path.is_dir() else "is not there; paths start at the manifest's folder"
    except (OSError, ValueError) as error:
        missing = f"is not a usable path: {error}"
    return f"{str(path)[-200:]} {missing}"


def _fault(place: str, details: Mapping[str, object]) -> Fault:
    location = details["loc"]
    parts = [str(part) for part in location] if isinstance(location, tuple) else [str(location)]
    column = ".".join(parts)
    if details["type"] == "extra_forbidden":
        from composer.settings import EngineSettings

        choices = tuple(EngineSettings.model_fields) if parts[0] == "engines" and len(parts) > 1 else KEYS
        return Fault(place, column[:60], f"no such key; there are: {', '.join(choices)}")
    if details["type"] == "missing":
        return Fault(place, column, "is missing; every scene needs one")
    message = str(details["msg"]).removeprefix("Value error, ")
    message = message if details["type"] == "value_error" else f"{message[:1].lower()}{message[1:]}"
    given = "" if details["type"] == "value_error" else f", not {str(details.get('input'))[:60]!r}"
    return Fault(place, column, f"{message}{given}")
