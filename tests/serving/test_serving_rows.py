"""Tables and rows through the service: what comes goes back, edits name their version, faults their cell."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from served import Served
from toys import Toys

from composer.cells import COLUMNS
from composer.scene import Scene
from composer.serving.shapes import Cells

BED = {"type": "music", "layout": "background", "id": 1}
TABLE: list[dict[str, object]] = [
    {**BED, "action": "begin", "description": "calm piano", "volume": "-32 dB", "duration": "10 s"},
    {"type": "speech", "character": "Ann", "description": "Hello.", "extra": {"Take": "3"}, "section": "One"},
    {"type": "sound_effect", "description": "a door knock", "start": "-0.5", "pan": -0.5, "note": "soft"},
    {**BED, "action": "end"},
]


def test_cells_are_the_columns_of_the_table() -> None:
    assert list(Cells.model_fields) == [*COLUMNS, "extra"]


def test_a_table_that_was_read_goes_back_without_a_change_or_a_fault(served: Served) -> None:
    mark = served.make("round trip", TABLE)
    written = (served.root / "round trip" / "script.csv").read_bytes()
    table = served.client.get("/scenes/round trip/table").json()
    back = served.client.put("/scenes/round trip/table", json={"rows": table["rows"]}, headers={"If-Match": mark})
    assert back.status_code == 200, back.text
    assert back.json() == {"rows": table["rows"], "faults": []}
    assert (served.root / "round trip" / "script.csv").read_bytes() == written
    assert back.headers["etag"] == mark
    assert [row["extra"] for row in table["rows"]] == [{}, {"Take": "3"}, {}, {}]


def test_a_table_that_is_known_is_not_sent_again(served: Served) -> None:
    mark = served.make("known")
    assert served.client.get("/scenes/known/table", headers={"If-None-Match": mark}).status_code == 304
    assert served.client.get("/scenes/known/table", headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    ("method", "place", "body"),
    [
        ("PUT", "table", {"rows": [{"type": "speech", "description": "New."}]}),
        ("PATCH", "table", {"edits": [{"op": "remove", "row": "r01"}]}),
        ("PATCH", "rows/r01", {"cells": {"description": "New."}}),
        ("POST", "rows", {"after": "r01", "cells": {"type": "speech", "description": "New."}}),
        ("DELETE", "rows/r01", None),
        ("PUT", "settings", {"title": "New"}),
    ],
)
def test_a_change_needs_the_version_and_a_stale_one_changes_nothing(
    served: Served, method: str, place: str, body: object
) -> None:
    name = f"stale {method} {place.replace('/', ' ')}"
    served.make(name)
    scene = served.root / name
    before = [(scene / file).read_bytes() for file in ("script.csv", "scene.toml")]
    asked = served.client.request(method, f"/scenes/{name}/{place}", json=body)
    assert (asked.status_code, asked.json()["type"]) == (428, "urn:talescape:which-version")
    stale = served.client.request(method, f"/scenes/{name}/{place}", json=body, headers={"If-Match": '"old"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:talescape:stale")
    assert [(scene / file).read_bytes() for file in ("script.csv", "scene.toml")] == before
    now = stale.headers["etag"]
    done = served.client.request(method, f"/scenes/{name}/{place}", json=body, headers={"If-Match": now})
    assert done.status_code == 200, done.text
    assert done.headers["etag"] != now
    again = served.client.request(method, f"/scenes/{name}/{place}", json=body, headers={"If-Match": now})
    assert again.status_code == 412


def test_of_many_editors_of_one_version_one_wins(served: Served) -> None:
    mark = served.make("edited by many")

    def edit(number: int) -> int:
        change = {"cells": {"description": f"I am {number}."}}
        return served.client.patch(
            "/scenes/edited by many/rows/r01", json=change, headers={"If-Match": mark}
        ).status_code

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(edit, range(5))) == [200, 412, 412, 412, 412]


def test_an_edit_by_hand_makes_what_an_editor_holds_stale(served: Served) -> None:
    mark = served.make("by hand")
    path = served.root / "by hand" / "script.csv"
    path.write_text(path.read_text("utf-8").replace("Hello there.", "Hello here."), "utf-8")
    change = {"cells": {"note": "mine"}}
    answer = served.client.patch("/scenes/by hand/rows/r01", json=change, headers={"If-Match": mark})
    assert answer.status_code == 412
    fresh = served.client.get("/scenes/by hand/table")
    assert fresh.json()["rows"][0]["description"] == "Hello here."
    done = served.client.patch("/scenes/by hand/rows/r01", json=change, headers={"If-Match": fresh.headers["etag"]})
    assert done.json()["rows"][0]["note"] == "mine"


def test_edits_are_made_all_or_none_and_keep_the_last_version(served: Served) -> None:
    mark = served.make("all or none")
    path = served.root / "all or none" / "script.csv"
    before = path.read_bytes()
    edits: list[dict[str, object]] = [
        {"op": "set", "row": "r01", "column": "description", "value": "Changed."},
        {"op": "remove", "row": "r99"},
    ]
    refused = served.client.patch("/scenes/all or none/table", json={"edits": edits}, headers={"If-Match": mark})
    assert refused.status_code == 422
    assert "r99" in refused.json()["detail"] and path.read_bytes() == before
    done = served.client.patch("/scenes/all or none/table", json={"edits": edits[:1]}, headers={"If-Match": mark})
    assert done.status_code == 200
    assert path.with_name("script.csv.bak").read_bytes() == before


def test_faults_of_a_cell_name_its_row_and_column(served: Served) -> None:
    mark = served.make("cell faults")
    for cells, place in [({"volume": "loud"}, ("r02", "volume")), ({"pan": 3}, ("r02", "pan")), ({"hue": 1}, ("", ""))]:
        answer = served.client.patch("/scenes/cell faults/rows/r02", json={"cells": cells}, headers={"If-Match": mark})
        assert answer.status_code == 422
        (fault,) = answer.json()["faults"]
        assert (fault["row"], fault["column"]) == place and next(iter(cells)) in answer.json()["detail"], answer.text
    missing = served.client.patch(
        "/scenes/cell faults/rows/r77", json={"cells": {"note": "x"}}, headers={"If-Match": mark}
    )
    assert missing.status_code == 404 and "r01, r02" in missing.json()["detail"]


def test_rows_are_inserted_and_removed_by_their_keys(served: Served) -> None:
    mark = served.make("rows")
    new = {"after": "r01", "cells": {"type": "sound_effect", "description": "a door"}}
    added = served.client.post("/scenes/rows/rows", json=new, headers={"If-Match": mark})
    assert [row["row"] for row in added.json()["rows"]] == ["r01", "r03", "r02"]
    gone = served.client.delete("/scenes/rows/rows/r01", headers={"If-Match": added.headers["etag"]})
    assert [row["row"] for row in gone.json()["rows"]] == ["r03", "r02"]


def test_recasting_goes_to_the_settings(served: Served, toys: Toys) -> None:
    served.make("recast", toys=toys)
    mark = served.client.get("/scenes/recast/table").headers["etag"]
    edits = [{"op": "recast", "character": "Ann", "voice": "cy"}]
    done = served.client.patch("/scenes/recast/table", json={"edits": edits}, headers={"If-Match": mark})
    assert done.status_code == 200, done.text
    assert Scene(served.root / "recast").read_settings().cast == {"Ann": "cy"}
    assert served.client.get("/scenes/recast/settings").json()["cast"] == {"Ann": "cy"}
