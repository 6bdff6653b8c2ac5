"""Parts of a workbook: a zip archive read within limits, its sheets cell by cell, values as they are stored."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from posixpath import join, normpath
from typing import IO
from xml.etree import ElementTree

from composer.errors import TableUnreadable

MAX_PART_BYTES = 64 * 2**20
MAX_PARTS = 2_000
MAX_COLUMNS = 16_384
MAX_TEXTS = 1_000_000
_MAY_BE_DATE = re.compile(r"[dmyhs]", re.I)
_DATE_FORMATS = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
"""Numbers of the built-in formats that show a date or a time (ECMA-376, 18.8.30)."""
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # a password, and, as NotImplementedError, a way of packing that nobody uses
    ValueError,
    LookupError,
    struct.error,
    OverflowError,
)
"""What reading a broken archive or broken XML raises."""


@dataclass
class Sheet:
    package: Package
    part: str
    title: str
    skip: int = 0
    """How many lines with words, the headings, are left out."""

    def rows(self) -> Iterator[tuple[int, dict[int, object]]]:
        """The number of each row and its cells that hold something, by the number of their column from 0."""
        left = self.skip
        number = 0
        for element in self.package.elements(self.part, "row"):
            number = _whole(element.get("r"), number + 1)
            cells: dict[int, object] = {}
            column = -1
            for cell in element:
                if _local(cell.tag) != "c":
                    continue
                column = _column(cell.get("r"), column + 1)
                if column >= MAX_COLUMNS:
                    raise TableUnreadable(f"{self.package.name}: row {number} has a cell beyond column {MAX_COLUMNS:,}")
                value = self.package.value(cell, f"{self.title}, row {number}, column {column + 1}")
                if value is not None and value != "":
                    cells[column] = value
            if left and any(str(value).strip() for value in cells.values()):
                left -= 1
                continue
            yield number, cells


class Package:
    """A workbook's archive. Raises TableUnreadable for what is none, is too large, or holds macros."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        if data.startswith(b"\xd0\xcf\x11\xe0"):
            raise TableUnreadable(f"{name}: is an old .xls or has a password; save it as .xlsx without a password")
        try:
            self._archive = zipfile.ZipFile(BytesIO(data))
            parts = self._archive.infolist()
        except _BROKEN as error:
            raise TableUnreadable(f"{name}: is no workbook: {error}; save it as .xlsx again") from error
        if len(parts) > MAX_PARTS:
            raise TableUnreadable(f"{name}: holds {len(parts):,} parts, which no table does")
        self._parts = {part.filename.lstrip("/").lower(): part for part in parts}
        if any(part.endswith("vbaproject.bin") for part in self._parts):
            raise TableUnreadable(f"{name}: holds macros; save it as an .xlsx without macros")

    def sheets(self) -> list[Sheet]:
        """The sheets in the order of their tabs."""
        links = self._links("xl/_rels/workbook.xml.rels")
        found = []
        for sheet in self.elements("xl/workbook.xml", "sheet"):
            link = next((value for key, value in sheet.items() if _local(key) == "id"), "")
            if link in links:
                found.append(Sheet(self, links[link], sheet.get("name") or "sheet"))
        if not found:
            raise TableUnreadable(f"{self.name}: is no workbook: it names no sheets")
        return found

    def sheet_after_headings(self, sheet: Sheet) -> Sheet:
        return Sheet(self, sheet.part, sheet.title, skip=1)

    def elements(self, part: str, tag: str) -> Iterator[ElementTree.Element]:
        """The elements of a part with this tag, each forgotten when the next one is asked for."""
        try:
            with self._open(part) as file:
                if b"<!DOCTYPE" in file.read(4096).replace(b"\0", b""):
                    raise self._wrong(part, "declares a document type, which no workbook does")
            with self._open(part) as file:
                path: list[ElementTree.Element] = []
                for event, element in ElementTree.iterparse(file, ("start", "end")):
                    if event == "start":
                        path.append(element)
                        continue
                    path.pop()
                    if _local(element.tag) == tag:
                        yield element
                        element.clear()
                        if path:
                            path[-1].remove(element)
        except (ElementTree.ParseError, *_BROKEN) as error:
            raise TableUnreadable(f"{self.name}: {part} is broken: {error}; save the workbook again") from error

    def value(self, cell: ElementTree.Element, place: str) -> object:
        """What a cell holds. Raises TableUnreadable for dates, errors and formulas without a value."""
        kind = cell.get("t", "n")
        children = {_local(child.tag): child for child in cell}
        if kind == "inlineStr":
            return _text_of(children["is"]) if "is" in children else None
        stored = children["v"].text if "v" in children else None
        if stored is None:
            if "f" in children:
                raise self._wrong(place, "holds a formula without its value; open and save the file in a spreadsheet")
            return None
        if kind == "s":
            number = _whole(stored, -1)
            if not 0 <= number < len(self._texts):
                raise self._wrong(place, "names a text that the workbook does not hold")
            return self._texts[number]
        if kind == "str":
            return _unescaped(stored)
        if kind == "b":
            return "TRUE" if stored.strip() == "1" else "FALSE"
        if kind == "e":
            if stored == "#N/A":
                return None
            raise self._wrong(place, f"holds the error {stored}; mend or empty the cell")
        if kind == "d" or _whole(cell.get("s"), 0) in self._date_styles:
            raise self._wrong(place, "holds a date; make the cell's format text and type it again")
        return _number(stored)

    @cached_property
    def _texts(self) -> list[str]:
        texts: list[str] = []
        if "xl/sharedstrings.xml" in self._parts:
            for element in self.elements("xl/sharedStrings.xml", "si"):
                texts.append(_text_of(element))
                if len(texts) > MAX_TEXTS:
                    raise TableUnreadable(f"{self.name}: holds more than {MAX_TEXTS:,} texts")
        return texts

    @cached_property
    def _date_styles(self) -> frozenset[int]:
        """Numbers of the cell styles that show a date or a time."""
        if "xl/styles.xml" not in self._parts:
            return frozenset()
        own = {}
        for element in self.elements("xl/styles.xml", "numFmt"):
            code = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", element.get("formatCode", ""))
            own[_whole(element.get("numFmtId"), -1)] = _MAY_BE_DATE.search(code) is not None
        formats = []
        for element in self.elements("xl/styles.xml", "cellXfs"):
            formats = [_whole(style.get("numFmtId"), 0) for style in element]
        dates = [number for number, each in enumerate(formats) if own.get(each, each in _DATE_FORMATS)]
        return frozenset(dates)

    def _links(self, part: str) -> dict[str, str]:
        """The parts that the workbook's links lead to."""
        found = {}
        for link in self.elements(part, "Relationship"):
            target = link.get("Target", "")
            found[link.get("Id", "")] = normpath(target.lstrip("/") if target.startswith("/") else join("xl", target))
        return found

    def _open(self, part: str) -> IO[bytes]:
        info = self._parts.get(part.lower())
        if info is None:
            raise TableUnreadable(f"{self.name}: is no workbook: {part} is missing")
        if info.file_size > MAX_PART_BYTES:
            raise TableUnreadable(
                f"{self.name}: {part} unpacks to {info.file_size:,} bytes, at most {MAX_PART_BYTES:,} are read"
            )
        return self._archive.open(info)  # gives no byte more than the size that was just looked at

    def _wrong(self, place: str, told: str) -> TableUnreadable:
        return TableUnreadable(f"{self.name}: {place}: {told}")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _text_of(element: ElementTree.Element) -> str:
    """The text of a string in one piece; reading aids for East Asian scripts (rPh) are none of it."""
    parts: list[str] = []
    for child in element:
        if _local(child.tag) == "t":
            parts.append(child.text or "")
        elif _local(child.tag) == "r":
            parts += [run.text or "" for run in child if _local(run.tag) == "t"]
    return _unescaped("".join(parts))


def _unescaped(text: str) -> str:
    """_x000D_ and the like are signs that XML cannot hold (ECMA-376, 22.9.2.19)."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found.group(1), 16)), text)


def _whole(written: str | None, otherwise: int) -> int:
    return int(written) if written is not None and re.fullmatch(r"\s*\d{1,9}\s*", written) else otherwise


def _column(reference: str | None, otherwise: int) -> int:
    """The number of a cell's column, from 0: A1 is 0, AB7 is 27."""
    letters = re.match(r"[A-Za-z]{1,4}", reference or "")
    if letters is None:
        return otherwise
    number = 0
    for letter in letters.group().upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def _number(stored: str) -> object:
    text = stored.strip()
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text
