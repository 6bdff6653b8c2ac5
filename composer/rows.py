"""Rows of a script as validated types: speech, music, sound effects.

Conventions: `volume` is the clip's loudness in LUFS, `duration` and `start` are in seconds, `pan` runs from -1 (left)
to 1 (right). Text is normalised once, on entry: trimmed, line ends as \n, no control characters.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from composer.cells import COLUMNS, MAX_EXTRA, column_of, tidy_heading, tidy_text


def _is_tidy(text: str) -> str:
    if text != tidy_text(text) or text.casefold() == "n/a":
        raise ValueError("text must be trimmed, without control characters, and not N/A")
    return text


Text = Annotated[str, AfterValidator(_is_tidy)]


def _is_trimmed(text: str) -> str:
    if not text or text != tidy_text(text):
        raise ValueError("text must be trimmed, without control characters, and not empty")
    return text


def _is_heading(text: str) -> str:
    if text != tidy_heading(text) or column_of(text) is not None:
        raise ValueError("a column of your own needs a heading of one trimmed line that is none of ours")
    return text


Heading = Annotated[str, AfterValidator(_is_heading)]
Extra = dict[Heading, Annotated[str, Field(max_length=50_000), AfterValidator(_is_trimmed)]]
"""Cells of columns that are not ours, by heading: kept in every format; they change nothing."""
Name = Annotated[Text, Field(min_length=1, max_length=200)]
SoundWords = Annotated[Text, Field(max_length=2_000)]
FilePath = Annotated[Text, Field(min_length=1, max_length=1000)]

MAX_DURATION_S = 3600.0


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    row: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    volume: Annotated[float, Field(ge=-60, le=0, allow_inf_nan=False)]
    duration: Annotated[float, Field(gt=0, le=MAX_DURATION_S, allow_inf_nan=False)] | Literal["auto"] = "auto"
    start: Annotated[float, Field(ge=-600, le=600, allow_inf_nan=False)] | None = None
    pan: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] = 0.0
    engine: Name | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    section: Name | None = None
    """The section that begins with this row and lasts until another: chapters, rooms and pauses follow it."""
    note: Annotated[Text, Field(max_length=20_000)] = ""
    extra: Annotated[Extra, Field(max_length=MAX_EXTRA)] = {}


class SpeechRow(_Row):
    """One line that a character speaks."""

    type: Literal["speech"]
    layout: Literal["foreground"] = "foreground"
    character: Annotated[Text, Field(min_length=1, max_length=10_000)]
    description: Annotated[Text, Field(min_length=1, max_length=50_000)]
    voice: Name | None = None


class _SoundRow(_Row):
    layout: Literal["foreground", "background"]
    id: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    action: Literal["begin", "end"] | None = None
    description: SoundWords = ""
    image: FilePath | None = None
    source: FilePath | None = None

    @model_validator(mode="after")
    def _layout_agrees(self) -> _SoundRow:
        if self.layout == "foreground" and (self.id is not None or self.action is not None):
            raise ValueError(
                "action: a foreground row has no id and no action; empty both, or set layout to background"
            )
        if self.layout == "background" and (self.id is None or self.action is None):
            raise ValueError("action: a background row needs an id and an action, begin or end")
        if self.action != "end" and not (self.description or self.image or self.source):
            raise ValueError("description: says nothing; write what should be heard, or give an image or a source")
        return self


class MusicRow(_SoundRow):
    """Music, in the foreground or as a background that spans rows."""

    type: Literal["music"]


class EffectRow(_SoundRow):
    """A sound effect, or an ambience in the background."""

    type: Literal["sound_effect"]


Row = Annotated[SpeechRow | MusicRow | EffectRow, Field(discriminator="type")]
SoundRow = MusicRow | EffectRow
AnyRow = SpeechRow | MusicRow | EffectRow
ANY_ROW: TypeAdapter[AnyRow] = TypeAdapter(Row)


def row_cells(row: AnyRow) -> dict[str, object]:
    """The row as one value a column, in the table's order, then columns that are not ours; None for an empty cell."""
    values = row.model_dump()
    cells = {column: values.get(column) for column in COLUMNS}
    if not isinstance(row, SpeechRow) and row.action == "end":
        cells["volume"] = cells["duration"] = cells["description"] = None
    if cells["pan"] == 0.0:
        cells["pan"] = None
    return {column: None if value == "" else value for column, value in cells.items()} | row.extra
