"""Formats: a module for each way to write a table, and the one registry of their suffixes."""

from __future__ import annotations

from typing import Protocol

from composer.errors import TableUnreadable
from composer.formats.delimited import Delimited
from composer.formats.json_table import JsonLines, JsonTable
from composer.formats.layout import RawRows
from composer.formats.markdown_table import MarkdownTable
from composer.formats.screenplay import Screenplay
from composer.formats.wavjourney import WavJourney
from composer.formats.workbook import Workbook
from composer.formats.yaml_table import YamlTable
from composer.script import Script


class TableFormat(Protocol):
    """One way to write a table."""

    def read(self, data: bytes, name: str) -> RawRows:
        """The rows of a file, as written there. Raises TableUnreadable naming the file."""
        ...

    def write(self, script: Script, old: bytes | None) -> bytes:
        """The whole file; where an old one is given, what it holds beside the rows stays as far as it can."""
        ...


FORMATS: dict[str, TableFormat] = {
    ".csv": Delimited(","),
    ".tsv": Delimited("\t"),
    ".jsonl": JsonLines(),
    ".json": JsonTable(),
    ".yaml": YamlTable(),
    ".yml": YamlTable(),
    ".md": MarkdownTable(),
    ".xlsx": Workbook(),
    ".wavjourney.json": WavJourney(),
    ".fountain": Screenplay(),
}


def format_of(name: str) -> TableFormat:
    """The format that a file's name tells by its suffix. Raises TableUnreadable with all that there are."""
    name = name.lower()
    suffix = max((each for each in FORMATS if name.endswith(each)), key=len, default=None)
    if suffix is None:
        raise TableUnreadable(f"{name}: tables end in {', '.join(FORMATS)}; rename or convert the file")
    return FORMATS[suffix]
