"""Who may use the service: the loopback, or who has the token; never a page of another site."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served import Served, here, raw_connection
from typer.testing import CliRunner

import cli
from composer.errors import ComposerError
from composer.serving.limits import Limits
from composer.serving.security import checked_token, is_loopback

TOKEN = "correct-horse-battery-staple"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with here(tmp_path_factory.mktemp("guarded") / "scenes", Limits(), token=TOKEN) as running:
        yield running


@pytest.mark.parametrize("given", [None, TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/scenes"), ("POST", "/scenes"), ("GET", "/openapi.json"), ("GET", "/nothing"), ("DELETE", "/scenes/x")],
)
def test_without_the_token_nothing_is_told(guarded: Served, method: str, path: str, given: str | None) -> None:
    headers = {"Authorization": given} if given is not None else {}
    answer = guarded.client.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:talescape:no-token" and TOKEN not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_with_the_token_all_is_open(guarded: Served, scheme: str) -> None:
    answer = guarded.client.get("/openapi.json", headers={"Authorization": f"{scheme} {TOKEN}"})
    assert answer.status_code == 200
    assert answer.json()["security"] == [{"token": []}]
    assert all("401" in each["responses"] for path in answer.json()["paths"].values() for each in path.values())


def test_a_token_is_asked_for_before_a_body_is_read(guarded: Served) -> None:
    lines = ("POST /v1/scenes HTTP/1.1", "Host: localhost", "Content-Length: 10000000", "", "")
    with raw_connection(guarded) as connection:
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "example.org", "localhost.example.org", ""])
def test_another_address_than_the_loopback_demands_a_token(host: str, tmp_path: Path) -> None:
    assert not is_loopback(host)
    with pytest.raises(ComposerError, match="TALESCAPE_TOKEN"):
        checked_token(None, host)
    assert checked_token(TOKEN, host) == TOKEN
    result = CliRunner(env={"TALESCAPE_TOKEN": ""}).invoke(cli.app, ["serve", str(tmp_path / "s"), "--host", host])
    assert isinstance(result.exception, ComposerError)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1", "[::1]"])
def test_the_loopback_needs_none(host: str) -> None:
    assert is_loopback(host) and checked_token(None, host) is None


@pytest.mark.parametrize("token", ["short", "x" * 15, "with a blank in it all", "ümlaut-and-long-enough", "x" * 513])
def test_a_weak_token_is_refused(token: str) -> None:
    with pytest.raises(ComposerError, match="16 to 512"):
        checked_token(token, "localhost")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.1.7", "0.0.0.0"]
)
def test_a_name_that_was_rebound_to_the_loopback_is_refused(served: Served, host: str) -> None:
    answer = served.client.get("/scenes", headers={"Host": host})
    assert (answer.status_code, answer.json()["type"]) == (421, "urn:talescape:wrong-host")


@pytest.mark.parametrize("host", ["localhost", "localhost:8765", "127.0.0.1:1", "[::1]:8765"])
def test_names_of_the_loopback_are_answered(served: Served, host: str) -> None:
    assert served.client.get("/about", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_can_neither_read_nor_change(served: Served, headers: dict[str, str]) -> None:
    for method, path in [("GET", "/scenes"), ("POST", "/scenes/x/jobs"), ("OPTIONS", "/scenes")]:
        answer = served.client.request(method, path, headers=headers)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_of_the_service_itself_is_answered(served: Served) -> None:
    url = httpx.URL(served.url)
    own = {"Origin": f"http://127.0.0.1:{url.port}", "Sec-Fetch-Site": "same-origin"}
    assert served.client.get("/about", headers=own).status_code == 200


def test_downloads_run_nothing_in_a_browser(served: Served) -> None:
    served.make("safe")
    (served.root / "safe" / "export").mkdir()
    (served.root / "safe" / "export" / "page.html").write_text("<script>alert(1)</script>")
    answer = served.client.get("/scenes/safe/exports/page.html")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_without_the_extra_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['fastapi'] = None; import cli; "
        f"sys.argv = ['talescape', 'serve', {str(tmp_path / 'scenes')!r}]; cli.main()"
    )
    house = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", program], cwd=house, capture_output=True, text=True)
    assert done.returncode == 1 and "pip install 'talescape[serve]'" in done.stderr


def test_a_port_that_is_taken_is_told_in_a_line(served: Served, tmp_path: Path) -> None:
    port = httpx.URL(served.url).port
    result = CliRunner().invoke(cli.app, ["serve", str(tmp_path / "scenes"), "--port", str(port)])
    assert isinstance(result.exception, ComposerError) and "--port" in str(result.exception)
