"""Manifests: three formats, one meaning; templates; every fault with row and column."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from composer.batches.manifest import KEYS, ManifestInvalid, read_manifest
from composer.batches.scenes import refuse_unwritable
from composer.batches.specs import SceneSpec
from composer.errors import SceneInvalid, TableUnreadable
from composer.planner import plan
from composer.settings import Settings
from composer.writers.prompt import seconds_of

YAML = """
- name: first
  prompt: A storm at sea
  seed: 7
  room: hall
  loudness_lufs: -20
  engines: {speech: kokoro}
  cast: {Ann: af_heart}
- name: second
  story: tale.txt
  planner: offline
"""
CSV = """name;prompt;story;seed;room;loudness_lufs;engines.speech;cast.Ann;planner
first;A storm at sea;;7;hall;-20;kokoro;af_heart;

second;;tale.txt;;;;;;offline
"""
JSONL = (
    """{"name": "first", "prompt": "A storm at sea", "seed": 7, "room": "hall", "loudness_lufs": -20,
""".replace("\n", "")
    + """ "engines": {"speech": "kokoro"}, "cast": {"Ann": "af_heart"}}
{"name": "second", "story": "tale.txt", "planner": "offline"}
"""
)


def written(folder: Path, text: str, suffix: str = ".yaml") -> Path:
    (folder / "tale.txt").write_text("Once upon a time it rained.")
    path = folder / f"scenes{suffix}"
    path.write_text(text, "utf-8")
    return path


def faults_of(path: Path) -> list[tuple[str, str, str]]:
    with pytest.raises(ManifestInvalid) as caught:
        read_manifest(path)
    return [(fault.row, fault.column, fault.message) for fault in caught.value.faults]


def test_three_formats_say_the_same(tmp_path: Path) -> None:
    read = [
        read_manifest(written(tmp_path, text, s)) for text, s in ((YAML, ".yaml"), (CSV, ".csv"), (JSONL, ".jsonl"))
    ]
    assert read[0] == read[1] == read[2]
    first, second = read[0]
    assert (first.name, first.seed, first.room, first.engines.speech) == ("first", 7, "hall", "kokoro")
    assert second.story == tmp_path / "tale.txt"
    settings = first.settings(Settings(title="T"))
    assert (settings.mix.loudness_lufs, settings.seed, settings.cast, settings.title) == (
        -20,
        7,
        {"Ann": "af_heart"},
        "T",
    )


def test_settings_that_a_scene_does_not_give_stay_as_they_were() -> None:
    ground = Settings.model_validate({"clean": "never", "mix": {"room": "cave", "gap_s": 2}})
    settings = SceneSpec(name="a", prompt="b", gap_s=1.0).settings(ground)
    assert (settings.clean, settings.mix.room, settings.mix.gap_s) == ("never", "cave", 1.0)


def test_a_template_makes_every_combination_or_pairs(tmp_path: Path) -> None:
    text = "- name: '{hero}-{n}'\n  prompt: '{hero} in {{{place}}}'\n  seed: '{n}'\n  combine: %s\n"
    text += "  variables: {hero: [fox, owl], n: [1, 2], place: ['{hero} town', 'wood {n}']}\n"
    pairs = read_manifest(written(tmp_path, text % "zip"))
    assert [(s.name, s.prompt, s.seed) for s in pairs] == [
        ("fox-1", "fox in {fox town}", 1),
        ("owl-2", "owl in {wood 2}", 2),
    ]
    text = text.replace("'{hero}-{n}'", "'{hero}-{n} {place}'")
    every = read_manifest(written(tmp_path, text % "product"))
    heroes = list(itertools.product(("fox", "owl"), (1, 2), (0, 1)))
    assert [s.name for s in every] == [f"{h}-{n} {(f'{h} town', f'wood {n}')[p]}" for h, n, p in heroes]


def test_a_template_in_csv_parts_values_by_bars(tmp_path: Path) -> None:
    text = "name,prompt,variables.hero\ntale-{hero},A {hero} sings,fox | owl\nplain,With {braces},\n"
    specs = read_manifest(written(tmp_path, text, ".csv"))
    assert [s.prompt for s in specs] == ["A fox sings", "A owl sings", "With {braces}"]


@pytest.mark.parametrize(
    ("variables", "column", "told"),
    [
        ("{a: ['{b}'], b: ['{c}'], c: ['x {a}']}", "variables.a", "{a} -> {b} -> {c} -> {a}"),
        ("{a: ['{a}']}", "variables.a", "{a} -> {a}"),
        ("{a: [x], b: [y]}", "variables.b", "never used"),
        ("{c: [x]}", "name", "{a} is no variable; there are: c"),
        ("{a: []}", "variables.a", "list of values"),
        ("{a: [[1]]}", "variables.a", "neither text nor a number"),
        ("[a]", "variables", "lists of values"),
        ("{a b: [x]}", "variables", "no name"),
    ],
)
def test_variables_that_cannot_be_are_told(tmp_path: Path, variables: str, column: str, told: str) -> None:
    text = f"- name: 's{{a}}'\n  prompt: x\n  variables: {variables}\n"
    ((row, at, message),) = faults_of(written(tmp_path, text))
    assert (row, at) == ("#1", column) and told in message


def test_variables_that_grow_without_end_are_refused(tmp_path: Path) -> None:
    variables = {f"v{n}": [f"{{v{n + 1}}}{{v{n + 1}}}"] for n in range(40)} | {"v40": ["x"]}
    row = {"name": "a", "prompt": "{v0}", "variables": variables}
    ((_, column, message),) = faults_of(written(tmp_path, json.dumps(row), ".jsonl"))
    assert column == "variables" and "100,000 characters" in message


def test_variables_that_hold_others_many_times_are_filled_at_once(tmp_path: Path) -> None:
    variables = {f"v{n}": [f"{{v{n + 1}}}{{v{n + 1}}}"] for n in range(2000)} | {"v2000": [""]}
    row = {"name": "a", "prompt": "Rain{v0}.", "variables": variables}
    (spec,) = read_manifest(written(tmp_path, json.dumps(row), ".jsonl"))
    assert spec.prompt == "Rain."


@pytest.mark.parametrize(
    "name",
    ["..", ".", "/etc/x", "a/b", "a\\b", ".hidden", "con", "NUL.txt", "store", "Batch.jsonl", "a.", "a ", "-a" * 50,
     "a:b", "a\tb", "~root"],
)  # fmt: skip
def test_names_that_are_no_folders_are_told(tmp_path: Path, name: str) -> None:
    ((row, column, _),) = faults_of(written(tmp_path, json.dumps({"name": name, "prompt": "x"}), ".jsonl"))
    assert (row, column) == ("1", "name")


def test_every_fault_is_told_with_row_and_column(tmp_path: Path) -> None:
    text = (
        "name,prompt,story,loudness,seed,room\n"
        "ok,x,,,,\n"
        "OK,x,,,,\n"
        "a,,nowhere.txt,,,\n"
        "b,x,tale.txt,,,\n"
        "c,,,,,\n"
        "d,x,,-16,,\n"
        "e,x,,,-1,kitchen\n"
        ",x,,,,\n"
    )
    told = faults_of(written(tmp_path, text, ".csv"))
    assert [(row, column) for row, column, _ in told] == [
        ("3", "name"), ("4", "story"), ("5", "story"), ("6", "prompt"), ("7", "loudness"), ("8", "room"), ("8", "seed"),
        ("9", "name"),
    ]  # fmt: skip
    messages = [message for _, _, message in told]
    assert "row 2" in messages[0] and "nowhere.txt" in messages[1]
    assert all(key in messages[4] for key in KEYS)
    assert "'hall'" in messages[5]


@pytest.mark.parametrize(
    ("text", "suffix", "told"),
    [
        ("", ".yaml", "holds no scenes"),
        ("", ".csv", "names no scenes"),
        ("name: [", ".yaml", "is not YAML"),
        ("{", ".jsonl", "line 1: is not JSON"),
        ("[]", ".jsonl", "is list, not a scene"),
        ("a: &a [*a]", ".yaml", "holds no scenes"),
        ("- !!python/object:os.system {}", ".yaml", "is not YAML"),
        ("name,name\n", ".csv", "two columns"),
        ("name,prompt\na,b,c\n", ".csv", "line 2 has 3 cells"),
        ('name,prompt\na,"b\n', ".csv", "is not CSV"),
        ("x", ".txt", "manifests end in .csv, .jsonl, .yaml"),
        ("a\0b", ".csv", "binary"),
    ],
)
def test_what_is_no_manifest_is_told(tmp_path: Path, text: str, suffix: str, told: str) -> None:
    with pytest.raises(TableUnreadable, match=told):
        read_manifest(written(tmp_path, text, suffix))


def test_a_hundred_thousand_scenes_are_read_and_one_more_is_refused(tmp_path: Path) -> None:
    rows = [f"s{number},A storm\n" for number in range(100_000)]
    specs = read_manifest(written(tmp_path, "name,prompt\n" + "".join(rows), ".csv"))
    assert (len(specs), specs[-1].name) == (100_000, "s99999")
    ((row, _, message),) = faults_of(written(tmp_path, "name,prompt\n" + "".join(rows) + "x,y\n", ".csv"))
    assert row == "100002" and "100,001 scenes" in message
    values = list(range(1000))
    template = {"name": "{a}-{b}-{c}", "prompt": "x", "variables": dict.fromkeys("abc", values)}
    ((_, column, message),) = faults_of(written(tmp_path, json.dumps(template), ".jsonl"))
    assert column == "variables" and "1,000,000,000 scenes" in message


def test_length_and_language_are_asked_of_whoever_plans(tmp_path: Path) -> None:
    text = "name,prompt,length_s,language\na,A tale of an owl,40,\nb,A tale of an owl,200,\nc,Owl,,German\nd,Owl,,\n"
    specs = read_manifest(written(tmp_path, text, ".csv"))
    lasting = [seconds_of(plan(spec.brief(), None).rows) for spec in specs[:2]]
    assert lasting[0] < 60 < 120 < lasting[1]
    assert "German" in specs[2].brief().prompt and specs[3].brief().prompt == "Owl"
    assert len({spec.source_mark() for spec in specs}) == 4
    refuse_unwritable(specs[2], has_writer=True)
    with pytest.raises(SceneInvalid, match="the offline writer writes English, not German"):
        refuse_unwritable(specs[2], has_writer=False)


def test_length_and_language_of_words_that_are_there_are_faults(tmp_path: Path) -> None:
    text = "name,story,prompt,length_s,language\na,tale.txt,,60,\nb,tale.txt,,,German\nc,,x,1,\nd,,x,,4\n"
    told = faults_of(written(tmp_path, text, ".csv"))
    assert [(row, column) for row, column, _ in told] == [
        ("2", "length_s"), ("3", "language"), ("4", "length_s"), ("5", "language"),
    ]  # fmt: skip
    assert "the words of a story stay as they are" in told[0][2]
