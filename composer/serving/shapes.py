"""What clients send and get, as pydantic models: the OpenAPI description is made of these."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from composer.edits import Edit, Value
from composer.faults import Fault
from composer.rows import Row
from composer.serving.problems import Problem

Seed = Annotated[int, Field(ge=0, lt=2**63)]
RowKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
FormatName = Literal[
    "mp3", "m4a", "ogg", "opus", "flac", "stems", "clips", "clips-flac", "srt", "vtt", "chapters", "labels",
    "transcript", "transcript-html", "credits", "credits-csv", "credits-json", "rpp", "dawproject", "otio",
    "png", "svg",
]  # fmt: skip


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class Cells(_Given):
    """A row as a hand would write it: every cell may be text, "-15 dB" and "N/A" too; what is missing is empty."""

    row: Value = Field(None, description="The key; empty for a new row, which is given one.")
    type: Value = Field(None, description="speech, music or sound_effect.")
    layout: Value = Field(None, description="foreground or background.")
    id: Value = Field(None, description="Pairs the begin and the end of a background.")
    character: Value = Field(None, description="Who speaks; speech only.")
    volume: Value = Field(None, description="Loudness in LUFS, -60 to 0.")
    action: Value = Field(None, description="begin or end; backgrounds only.")
    description: Value = Field(None, description="The words that are spoken, or what should be heard.")
    duration: Value = Field(None, description="Seconds, or auto.")
    start: Value = Field(None, description="Gap (+) or overlap (-) in seconds against the row before.")
    pan: Value = Field(None, description="-1 (left) to 1 (right).")
    image: Value = Field(None, description="A picture in the scene folder that conditions an effect.")
    source: Value = Field(None, description="A recording in the scene folder, in the place of synthesis.")
    voice: Value = Field(None, description="A voice for this row alone.")
    engine: Value = Field(None, description="An engine for this row alone.")
    seed: Value = Field(None, description="A seed for this row alone.")
    section: Value = Field(None, description="The section that begins with this row.")
    note: Value = Field(None, description="For people; never changes the sound.")
    extra: dict[str, Value] = Field({}, description="Columns of your own, by heading.")

    def raw(self) -> dict[str, object]:
        """The row as tables give it: cells by heading. The middle is where a row without a pan is."""
        cells = {name: value for name, value in self if name != "extra" and value is not None}
        if cells.get("pan") == 0:
            del cells["pan"]
        return {**self.extra, **cells}


class NewScene(_Given):
    """A scene to make from exactly one of prompt, story, fountain and rows."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    """Its folder: letters, digits, blanks, '.', '_' and '-'."""
    prompt: str | None = None
    story: str | None = None
    """Plain prose; every word is kept."""
    fountain: str | None = None
    """A screenplay."""
    rows: Annotated[list[Cells], Field(min_length=1)] | None = None
    title: Annotated[str, Field(max_length=200)] | None = None
    """For a table; planning finds one itself."""
    seed: Seed = 0
    offline: bool = False
    """Plan by rules, even where a language model is set up."""

    @model_validator(mode="after")
    def _from_one_thing(self) -> NewScene:
        if sum(given is not None for given in (self.prompt, self.story, self.fountain, self.rows)) != 1:
            raise ValueError("give exactly one of prompt, story, fountain and rows")
        return self


class SceneTold(_Told):
    name: str
    title: str
    rendered: bool
    """Whether a finished mix is there; the table may have been edited since."""
    modified: datetime
    """When the table was last written."""
    job: str | None
    """The job that renders it now or waits to."""


class SceneList(_Told):
    scenes: list[SceneTold]
    next: str | None
    """Give it as `after` for those that follow; null at the end."""


class Table(_Told):
    """The rows in their order, valid; `faults` tells what was repaired or is doubtful."""

    rows: list[Row]
    faults: list[Fault] = []


class NewTable(_Given):
    rows: Annotated[list[Cells], Field(min_length=1)]


class EditList(_Given):
    """Edits in their order: all are made, or none. Keys are those of the table before."""

    edits: Annotated[list[Edit], Field(min_length=1, max_length=1000)]


class CellChange(_Given):
    cells: Annotated[dict[str, Value], Field(min_length=1, max_length=200)]
    """Column -> what it says now; null empties it."""


class NewRow(_Given):
    cells: Annotated[dict[str, Value], Field(min_length=1, max_length=200)]
    after: RowKey | None = None
    """The key of the row above; null for the top."""


class Wish(_Given):
    """What should change, in words: "make the engineer calmer"."""

    words: Annotated[str, Field(min_length=1, max_length=10_000)]
    offline: bool = False
    """By rules, even where a language model is set up."""


class Proposed(_Told):
    """What a wish would change; nothing is written. Send `edits` back to make the change."""

    edits: list[Edit]
    diff: dict[str, object]
    cannot: list[str]
    remarks: list[str]
    faults: list[Fault]


class Checked(_Told):
    """Every fault of the scene: of its table, voices, engines and files."""

    rows: int
    faults: list[Fault]


class Foreseen(_Told):
    """What a render would do."""

    rows: int
    synthesize: list[str]
    cached: list[str]
    estimated_s: float
    estimated_usd: float


class NewJob(_Given):
    """What to render: what changed, and then the mix."""

    only: Annotated[list[RowKey], Field(max_length=20_000)] = []
    """Rows to make; the others come from the cache."""
    fresh: bool = False
    """Make clips again even when they are cached."""


JobState = Literal["waiting", "running", "done", "incomplete", "failed", "cancelled", "stopped"]
ENDED = ("done", "incomplete", "failed", "cancelled", "stopped")


class Rendered(_Told):
    duration_s: float
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    rows: int
    synthesized: int
    failed: list[Fault]
    warnings: list[Fault]


class JobTold(_Told):
    """A render. incomplete: some rows failed and the rest is mixed; stopped: the service ended before it did."""

    id: str
    scene: str
    state: JobState
    created: datetime
    started: datetime | None
    ended: datetime | None
    to_make: int | None
    """How many clips; null until it is known."""
    made: int
    failed: int
    estimated_s: float | None
    result: Rendered | None
    problem: Problem | None


class JobList(_Told):
    jobs: list[JobTold]


class Exported(_Told):
    file: str
    """Its place among the exports: GET …/exports/{file} fetches it."""
    size: int


class ExportList(_Told):
    files: list[Exported]


class NewExports(_Given):
    formats: Annotated[list[FormatName], Field(min_length=1, max_length=22)]


class EngineTold(_Told):
    name: str
    kind: str
    ready: bool
    needs: str
    """What it lacks and how to get it."""


class EngineList(_Told):
    engines: list[EngineTold]


class About(_Told):
    """The service: its version and its limits."""

    version: str
    max_body_bytes: int
    max_rows: int
    max_prompt_chars: int
    max_story_chars: int
    max_sound_s: float
