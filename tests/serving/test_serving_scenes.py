"""Scenes through the service: the same folders as on the command line, none outside of the served one."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from served import Served, spoken

from composer.scene import Scene

PATHS = (
    "..", ".", "../outside", "a/b", "a\\b", "/etc", "C:\\x", "C:", ".hidden", "x/../../outside", "nul", "con.txt",
    "a\0b", "a\nb", "x.", " x", "~", "x" * 81, "é" * 41, "store",
)  # fmt: skip
"""Names that no scene's folder may have."""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("prompt", "A 20-second news report about bees on Mars."),
        ("story", 'Rain fell on the roof.\n\n"Who is there?" asked Anna.'),
        ("fountain", "INT. LIGHTHOUSE - NIGHT\n\nRain on the glass.\n\nKEEPER\nWho is there?\n"),
    ],
)
def test_words_become_the_scene_that_the_command_line_makes_of_them(served: Served, source: str, words: str) -> None:
    from composer.brief import Brief
    from composer.drafting import draft

    made = served.client.post("/scenes", json={"name": f"from {source}", source: words, "seed": 7})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/v1/scenes/from%20{source}"
    scene = Scene(served.root / f"from {source}")
    field = {"fountain": "screenplay"}.get(source, source)
    other = draft(Scene(served.root.parent / f"cli {source}"), Brief(**{field: words}, seed=7), None)  # type: ignore[arg-type]
    assert scene.read_script()[0] == other.script
    assert scene.read_settings() == other.scene.read_settings()
    assert made.json()["title"] == other.title
    assert served.client.get(made.headers["location"].removeprefix("/v1")).json() == made.json()


@pytest.mark.parametrize("name", PATHS)
def test_a_name_that_is_no_plain_folder_name_makes_nothing(served: Served, name: str) -> None:
    before = sorted(str(path) for path in served.root.parent.rglob("*"))
    made = served.client.post("/scenes", json={"name": name, "rows": spoken("Hello.")})
    assert made.status_code == 422
    assert made.headers["content-type"] == "application/problem+json"
    assert sorted(str(path) for path in served.root.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "path",
    [
        "..", "%2e%2e", "..%2fsecret", "%2e%2e%2fsecret", "..%5csecret", "secret%00", "%2fetc", "x%2f..%2fsecret",
        "%252e%252e",
    ],
)  # fmt: skip
@pytest.mark.parametrize("what", ["", "/table", "/mix", "/manifest", "/exports", "/exports/x"])
def test_no_address_leads_out_of_the_served_folder(served: Served, path: str, what: str) -> None:
    secret = served.root.parent / "secret"
    secret.mkdir(exist_ok=True)
    (secret / "script.csv").write_text("type,description\nspeech,The secret.\n")
    answer = served.client.get(f"/scenes/{path}{what}")
    assert answer.status_code in (404, 405), answer.text
    assert "secret." not in answer.text


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_no_scenes_and_no_parts_of_scenes(served: Served) -> None:
    outside = served.root.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "script.csv").write_text("type,description\nspeech,The secret.\n")
    (outside / "mix.wav").write_bytes(b"secret")
    (served.root / "linked").symlink_to(outside)
    assert served.client.get("/scenes/linked/table").status_code == 404
    assert "linked" not in served.client.get("/scenes?limit=200").text
    assert served.client.post("/scenes", json={"name": "linked", "rows": spoken("Hi.")}).status_code == 409
    assert served.client.delete("/scenes/linked").status_code == 404
    for part in ("script.csv", "mix.wav"):
        served.make(f"links {part}")
        place = served.root / f"links {part}" / part
        place.unlink(missing_ok=True)
        place.symlink_to(outside / part)
        answer = served.client.get(f"/scenes/links {part}/table")
        assert answer.status_code == 404 and "link" in answer.json()["detail"]
    served.make("links inside")
    (served.root / "links inside" / "export").mkdir()
    (served.root / "links inside" / "export" / "out.txt").symlink_to(outside / "mix.wav")
    assert served.client.get("/scenes/links inside/exports/out.txt").status_code == 404
    assert served.client.get("/scenes/links inside/exports").json() == {"files": []}
    assert (outside / "script.csv").is_file()


def test_a_folder_whose_accents_stand_apart_is_the_scene_of_that_name(served: Served) -> None:
    served.make("cafe far away")
    apart = "cafe\u0301 far away"
    (served.root / "cafe far away").rename(served.root / apart)
    for name in (apart, "caf\u00e9 far away"):
        told = served.client.get(f"/scenes/{name}")
        assert told.status_code == 200 and told.json()["name"] == apart
    again = served.client.post("/scenes", json={"name": "caf\u00e9 far away", "rows": spoken("Hello.")})
    assert (again.status_code, again.json()["type"]) == (409, "urn:talescape:scene-exists")


def test_of_many_clients_that_make_one_name_one_wins(served: Served) -> None:
    def make(number: int) -> int:
        wanted = {"name": "wanted by many", "rows": spoken(f"I am {number}.")}
        return served.client.post("/scenes", json=wanted).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(make, range(6))) == [201, 409, 409, 409, 409, 409]
    assert len(served.client.get("/scenes/wanted by many/table").json()["rows"]) == 1


def test_a_faulty_table_is_told_by_row_and_column_and_leaves_no_folder(served: Served) -> None:
    rows: list[dict[str, object]] = [
        {"row": "a1", "type": "speech", "description": "Hi."},
        {"row": "a2", "type": "music", "description": "calm piano", "volume": 12},
        {"row": "a3", "type": "noise"},
    ]
    answer = served.client.post("/scenes", json={"name": "faulty", "rows": rows})
    assert answer.status_code == 422
    told = {(fault["row"], fault["column"]) for fault in answer.json()["faults"] if fault["severity"] == "error"}
    assert told == {("a2", "volume"), ("a3", "type")}
    assert not (served.root / "faulty").exists()


def test_scenes_are_listed_page_by_page(served: Served) -> None:
    for name in ("page a", "page b", "page c"):
        served.make(name)
    first = served.client.get("/scenes", params={"limit": 2, "after": "page "}).json()
    assert [scene["name"] for scene in first["scenes"]] == ["page a", "page b"]
    rest = served.client.get("/scenes", params={"limit": 1, "after": first["next"]}).json()
    assert [scene["name"] for scene in rest["scenes"]] == ["page c"]


def test_a_deleted_scene_is_gone_with_its_files(served: Served) -> None:
    served.make("to delete")
    assert served.client.delete("/scenes/to delete").status_code == 204
    assert served.client.get("/scenes/to delete").status_code == 404
    assert not [path for path in served.root.iterdir() if "to delete" in path.name]
    served.make("to delete")


def test_checks_and_prices_are_those_of_the_command_line(served: Served) -> None:
    served.make("checked", [{"type": "speech", "description": "Hi.", "voice": "nobody"}])
    faults = served.client.get("/scenes/checked/check").json()
    assert faults["rows"] == 1
    assert [(fault["row"], fault["column"]) for fault in faults["faults"] if fault["severity"] == "error"] == [
        ("r01", "voice")
    ]
    served.make("priced")
    assert served.client.get("/scenes/priced/plan").json()["synthesize"] == ["r01", "r02"]


def test_a_wish_gives_edits_that_can_be_sent_back(served: Served) -> None:
    mark = served.make("wished")
    wish = served.client.post("/scenes/wished/revise", json={"words": "remove r02"}).json()
    assert wish["edits"] == [{"op": "remove", "row": "r02"}]
    assert served.client.get("/scenes/wished/table").headers["etag"] == mark, "a wish writes nothing"
    edited = served.client.patch("/scenes/wished/table", json={"edits": wish["edits"]}, headers={"If-Match": mark})
    assert [row["row"] for row in edited.json()["rows"]] == ["r01"]
