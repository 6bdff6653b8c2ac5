"""Tables in files (CSV, JSON, WavJourney's JSON) <-> raw rows and scripts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from composer.cells import ALIASES, COLUMNS
from composer.errors import TableUnreadable
from composer.faults import Fault
from composer.files import write_atomically
from composer.script import Script, read_rows, row_cells

MAX_BYTES = 64 * 2**20
MAX_CELL = 200_000

RawRows = list[dict[str, object]]


def read_table(path: Path) -> tuple[Script | None, list[Fault]]:
    """The script in a file, chosen by its suffix, with every fault. Raises TableUnreadable when it is no table."""
    return read_rows(read_raw_rows(path))


def read_raw_rows(path: Path) -> RawRows:
    """The rows of a table file as they are written there, by column heading."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise TableUnreadable(f"{path}: tables end in {', '.join(_READERS)}; rename or convert the file")
    return reader(_read_text(path), path)


def write_table(script: Script, path: Path) -> None:
    """Writes the script in the format that the suffix names, atomically."""
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise TableUnreadable(f"{path}: tables are written as {', '.join(_WRITERS)}; choose one of these suffixes")
    write_atomically(path, writer(script))


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TableUnreadable(f"{path}: has {path.stat().st_size:,} bytes, at most {MAX_BYTES:,} are read")
        data = path.read_bytes()
    except OSError as error:
        raise TableUnreadable(f"{path}: cannot be read: {error.strerror}") from error
    return decode(data, str(path))


def decode(data: bytes, name: str) -> str:
    """Text from UTF-8 or UTF-16 with a mark, UTF-8 without, else Windows-1252. Refuses binary data."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\0" in data[:4096]:
        raise TableUnreadable(f"{name}: is binary, not text; export it as CSV (UTF-8) or JSON first")
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableUnreadable(f"{name}: is neither UTF-8, UTF-16 nor Windows-1252 text; save it as UTF-8")


def _csv_rows(text: str, path: Path) -> RawRows:
    """Comma, semicolon or tab between cells: whichever gives the first line the most known headings."""
    if not text.strip():
        raise TableUnreadable(f"{path}: is empty; the first line names the columns: {', '.join(COLUMNS)}")
    csv.field_size_limit(MAX_CELL)
    best: tuple[int, list[list[str]]] = (0, [])
    failure = ""
    for separator in (",", ";", "\t"):
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
        except csv.Error as error:
            failure = failure or str(error)
            continue
        known = sum(_column(heading) in COLUMNS for heading in lines[0])
        if known > best[0]:
            best = known, lines
    known, lines = best
    if not lines or known < 2:
        raise TableUnreadable(
            f"{path}: {failure or 'its first line does not name our columns'}; a table begins with: {','.join(COLUMNS)}"
        )
    header = lines[0]
    rows: RawRows = []
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) > len(header) and any(cell.strip() for cell in line[len(header) :]):
            raise TableUnreadable(
                f"{path}: line {number} has {len(line)} cells, the first line {len(header)}; "
                "put quotes around text that holds the separator"
            )
        rows.append(dict(zip(header, line, strict=False)))
    return rows


def _column(heading: str) -> str:
    name = heading.strip().casefold().replace(" ", "_").replace("-", "_")
    return ALIASES.get(name, name)


def _json_rows(text: str, path: Path) -> RawRows:
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise TableUnreadable(f"{path}: is not JSON: {error}") from error
    if isinstance(data, dict):
        data = data.get("rows")
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise TableUnreadable(f'{path}: holds no rows; give a list of rows, or an object with "rows"')
    return data


def csv_text(script: Script) -> str:
    """The table as CSV: UTF-8, commas, a heading line, LF line ends."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in script.rows:
        writer.writerow([_cell_text(column, value) for column, value in row_cells(row).items()])
    return out.getvalue()


def _cell_text(column: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        text = repr(value + 0.0).removesuffix(".0")  # + 0.0: no -0
        return f"+{text}" if column == "start" and value >= 0 else text
    return str(value)


def json_text(script: Script) -> str:
    """The table as JSON: every row with the columns that are not empty."""
    rows = [{column: value for column, value in row_cells(row).items() if value is not None} for row in script.rows]
    return json.dumps({"format": "talescape-script/1", "rows": rows}, ensure_ascii=False, indent=1) + "\n"


_READERS = {".csv": _csv_rows, ".json": _json_rows}
_WRITERS = {".csv": csv_text, ".json": json_text}


def keys_were_given(faults: Sequence[Fault]) -> bool:
    """True when reading gave or changed row keys, so that the file should be written again to keep them."""
    return any(fault.severity == "repaired" and fault.column == "row" for fault in faults)
