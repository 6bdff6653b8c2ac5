"""Who may ask: the loopback alone without a token, anybody with it elsewhere; never a page of another site.

A page that a browser shows can send requests to this machine's own addresses. So without CORS headers its scripts read
no answer, a foreign Origin is refused before anything is done, and on the loopback only loopback names are answered:
a name that was rebound to 127.0.0.1 (DNS rebinding) is not one.
"""

from __future__ import annotations

import hmac
import ipaddress
import re

from composer.errors import ComposerError
from composer.serving.limits import App, Receive, Scope, Send, send_problem
from composer.serving.problems import Problem, make_problem

TOKEN_VARIABLE = "TALESCAPE_TOKEN"
MIN_TOKEN = 16


def is_loopback(host: str) -> bool:
    """Whether a name or address can only be this machine's loopback."""
    if host.casefold().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def checked_token(token: str | None, host: str) -> str | None:
    """The token to ask for; None where none is needed. Raises ComposerError for a missing or a weak one."""
    token = token or None
    if token is None and not is_loopback(host):
        raise ComposerError(
            f"--host {host}: others than this machine can reach it, so it needs a token of {MIN_TOKEN} characters or "
            f"more in {TOKEN_VARIABLE} (or --token); make one with: openssl rand -hex 24"
        )
    if token is not None and not re.fullmatch(rf"[!-~]{{{MIN_TOKEN},512}}", token):
        raise ComposerError(
            f"the token has {len(token)} characters; give {MIN_TOKEN} to 512 letters, digits and signs without blanks"
        )
    return token


class Guarded:
    """ASGI middleware: looks at Host, Origin and Authorization before anything of the request is read."""

    def __init__(self, app: App, *, host: str, token: str | None) -> None:
        self._app = app
        self._loopback_only = is_loopback(host)
        self._token = token.encode() if token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            problem = self._refusal({name: value for name, value in scope["headers"]})
            if problem is not None:
                more = {"www-authenticate": 'Bearer realm="talescape"'} if problem.status == 401 else {}
                await send_problem(send, problem, {"connection": "close", **more})
                return
        await self._app(scope, receive, send)

    def _refusal(self, headers: dict[bytes, bytes]) -> Problem | None:
        host = headers.get(b"host", b"").decode("latin-1").casefold()
        name = re.sub(r":\d*$", "", host)
        if self._loopback_only and not is_loopback(name):
            detail = f"this service answers as localhost, 127.0.0.1 and [::1] only, not as {name[:80]!r}"
            return make_problem(421, "wrong-host", detail)
        origin = headers.get(b"origin", b"").decode("latin-1").casefold()
        site = headers.get(b"sec-fetch-site", b"none")
        if (origin and origin not in (f"http://{host}", f"https://{host}")) or site in (b"cross-site", b"same-site"):
            return make_problem(403, "wrong-origin", "pages of other sites may not use this service")
        if self._token is not None and not self._knows_token(headers.get(b"authorization", b"")):
            return make_problem(401, "no-token", "send the token of this service as: Authorization: Bearer TOKEN")
        return None

    def _knows_token(self, authorization: bytes) -> bool:
        scheme, _, given = authorization.partition(b" ")
        right = hmac.compare_digest(given.strip(), self._token or b"")
        return right and scheme.lower() == b"bearer"
