"""Fountain: a screenplay is read as a table; it is not written."""

from __future__ import annotations

from composer.errors import StoryUnreadable, TableUnreadable
from composer.formats.layout import RawRows, decode
from composer.script import Script


class Screenplay:
    """The table that `talescape plan --fountain` makes too, which also keeps title, cast and rooms."""

    def read(self, data: bytes, name: str) -> RawRows:
        from composer.writers.borders import with_borders
        from composer.writers.screenplay import plan_screenplay

        try:
            return with_borders(plan_screenplay(decode(data, name), seed=0).rows)
        except StoryUnreadable as error:
            raise TableUnreadable(f"{name}: {error}") from error

    def write(self, script: Script, old: bytes | None) -> bytes:
        raise TableUnreadable("a screenplay is read, not written; write csv, xlsx, yaml or another table instead")
