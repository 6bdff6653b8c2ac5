"""Nasty tables for tests: what people, spreadsheets and programs put into cells, drawn at random."""

from __future__ import annotations

from hypothesis import strategies as st

from composer.cells import column_of, tidy_heading, tidy_text

NASTY = [
    'He said "go", and left; then\tcame back.',
    "First.\nSecond.\n\nThird.",
    "  indented\n    more\n- than a list\n# than a comment",
    "=SUM(A1:A9)",
    "+1 @cmd -3 |pipe|",
    "a\\|b <br> \\<br> \\\\ `code|span` **bold**",
    "_x0041_ _x005F_x000D_",
    "#N/A",
    "emoji 🐋 ünïcödé 你好 עברית",
    "line\u2028separator and nbsp\u00a0here",
    "'; DROP TABLE rows; --",
    "{{ 7*7 }} {% raw %}",
    "key: value # comment",
    "|- > & * ! % @ `",
    "no",
    "1:30",
    "2026-03-04",
    "0123",
    "1e5",
    "true",
    "None",
    "~",
    '"""',
    "“typographic” ‘quotes’",
    "| --- | --- |",
    "---",
    "\\n is not a line break",
    "ends with a backslash \\",
    "&lt;b&gt; <b>&amp;",
    "]]>",
]

words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=40).map(tidy_text)
text = st.one_of(words, st.sampled_from(NASTY).map(tidy_text)).filter(lambda value: value.casefold() not in ("", "n/a"))
headings = st.one_of(words, st.sampled_from(["Mood", "take no.", "a: b", "x | y", "=A1", "ü", "true", "#", "- x"]))
headings = headings.map(tidy_heading).filter(lambda value: bool(value) and column_of(value) is None)
volume = st.floats(-60, 0, allow_nan=False)
start = st.floats(-600, 600)
common = {
    "volume": volume,
    "start": start,
    "pan": st.floats(-1, 1),
    "section": text.map(lambda value: value[:200].strip()),
    "note": text,
    "seed": st.integers(0, 2**63 - 1),
}
speech = st.fixed_dictionaries(
    {"type": st.just("speech"), "character": text, "description": text}, optional={**common, "voice": text}
)
effect = st.fixed_dictionaries(
    {"type": st.sampled_from(["music", "sound_effect"]), "description": text},
    optional={**common, "duration": st.floats(0.01, 3600), "source": text, "image": text, "engine": text},
)


@st.composite
def raw_tables(draw: st.DrawFn) -> list[dict[str, object]]:
    """One to six rows and up to two backgrounds, with columns of the writer's own."""
    rows: list[dict[str, object]] = draw(st.lists(st.one_of(speech, effect), min_size=1, max_size=6))
    for number in range(draw(st.integers(0, 2))):
        begin = draw(st.integers(0, len(rows)))
        end = draw(st.integers(begin, len(rows)))
        ends = {"type": "music", "layout": "background", "id": number, "action": "end"}
        rows.insert(end, dict(ends))
        rows.insert(begin, {**ends, "action": "begin", "description": draw(text), "start": draw(start)})
    for heading in draw(st.lists(headings, max_size=2, unique=True)):
        for row in rows:
            if draw(st.booleans()):
                row[heading] = draw(st.one_of(text, st.just("N/A")))
    return rows
