"""Fault: one thing wrong with a table, with its row, its column and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "repaired"]


@dataclass(frozen=True)
class Fault:
    row: str
    """The row's key; empty when the fault is the whole table's."""
    column: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = ", ".join(part for part in (f"row {self.row}" if self.row else "", self.column) if part)
        return f"{place or 'table'}: {self.message}"
