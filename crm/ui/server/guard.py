"""The middleware in front of everything: no page, file, upload, media, component or websocket without a live session.

Raw ASGI, because Starlette's HTTP middleware does not see websockets. The session is looked up in the database for
every request and every message of a websocket, so that signing out, disabling and expiry work at once. Identity
headers that a client sends are removed; the key of the session is put in their place for `st.user`.
"""

import re
import time
from urllib.parse import quote, urlsplit

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.runtime import Runtime

from crm import api
from crm.actions import accounts, credentials
from crm.locale import DEFAULT_LANGUAGE
from crm.reports.accounts import LiveSession
from crm.ui import session
from crm.ui.server import bindings, index, program

COOKIE = "crm_session"
COOKIE_ON_TLS = "__Host-crm_session"
IDENTITY_HEADER = "x-crm-session"
SESSION_ENDED = 4401  # the code of a websocket that was closed because its session is over

# Open without a session: the pages that make one, the health check, and the pictures and styles of those pages.
PUBLIC = frozenset({"/login", "/setup", "/healthz", "/language", "/favicon.ico"})
PUBLIC_FOLDER = "/assets/"
# Open to calendar programs, which know no cookies: the token in the address is looked up by its route.
CALENDAR = re.compile(r"/calendar/[A-Za-z0-9_-]{43}\.ics")
# Reached with a session whose password has expired.
_STILL_OPEN = frozenset({"/password", "/logout", "/session"})
# Parts of Streamlit that this app does not use, closed to everybody.
_CLOSED = ("/_stcore/agent", "/_stcore/metrics", "/_stcore/script-health-check", "/auth/", "/oauth2callback")
_UPLOAD, _MEDIA, _STREAM = "/_stcore/upload_file/", "/media/", "/_stcore/stream"
_FORM_LIMIT = 64 * 1024
_MULTIPART_MARGIN = 1024 * 1024
# How long a yes is remembered for Streamlit's own program files, of which a page loads a hundred.
_FILES_GRACE = 10.0


class Guard:
    """Pass on what a live session may have; answer everything else here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._recently_live: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        send = _with_security_headers(scope, headers, send)
        answer = _refused_outright(scope, headers)
        if answer is None and not _is_public(scope["path"]):
            key = session_key(scope, headers)
            found = await self._live(scope["path"], key)
            if found is None:
                answer = _ask_to_sign_in(scope, headers)
            else:
                answer = await _beyond_session(scope, key or "", found)
                scope = _identified(scope, headers, key)
        else:
            scope = _identified(scope, headers, None)
        if answer is None and scope["method"] == "GET" and scope["path"].startswith(program.FOLDER):
            answer = program.file_response(scope["path"], headers)
        if answer is not None:
            await answer(scope, receive, send)
            return
        await self._app(scope, _limited(receive, _body_limit(scope)), _with_index(scope, headers, send))

    async def _live(self, path: str, key: str | None) -> "LiveSession | bool | None":
        if key is None:
            return None
        is_file = path.startswith(program.FOLDER)
        if is_file and self._recently_live.get(key, 0.0) > time.monotonic():
            return True
        found = await look_up(key)
        if found is None:
            self._recently_live.pop(key, None)
        elif is_file:
            if len(self._recently_live) > 10_000:
                self._recently_live.clear()
            self._recently_live[key] = time.monotonic() + _FILES_GRACE
        return found

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        key = session_key(scope, headers)
        allowed = scope["path"] == _STREAM and _host_allowed(headers) and is_same_origin(scope, headers)
        found = await look_up(key) if allowed and key is not None else None
        if found is None or key is None or await _password_expired(found):
            await send({"type": "websocket.close", "code": 1008})
            return
        scope = _identified(scope, headers, key)
        scope["headers"] = [
            (name, _without_foreign_session(value, key) if name == b"sec-websocket-protocol" else value)
            for name, value in scope["headers"]
        ]
        ended = False

        async def receive_while_live() -> Message:
            nonlocal ended
            message = await receive()
            if message["type"] == "websocket.receive" and await look_up(key) is None:
                ended = True
                await send({"type": "websocket.close", "code": SESSION_ENDED})
                return {"type": "websocket.disconnect", "code": SESSION_ENDED}
            return message

        async def send_while_live(message: Message) -> None:
            if not ended:
                await send(message)

        await self._app(scope, receive_while_live, send_while_live)


def session_key(scope: Scope, headers: Headers) -> str | None:
    """Return the key of the session that the request's cookie claims, None where there is no such cookie."""
    token = cookie_parser(headers.get("cookie", "")).get(cookie_name(scope))
    return credentials.session_key(token) if token else None


async def look_up(key: str) -> LiveSession | None:
    """Return the live session with a key, without holding up the event loop."""
    return await to_thread.run_sync(lambda: accounts.continue_session(session.database(), key, now=session.utc_now()))


def cookie_name(scope: Scope) -> str:
    """Return the session cookie's name; on TLS the browser itself ties it to this host and to TLS."""
    return COOKIE_ON_TLS if is_tls(scope) else COOKIE


def is_tls(scope: Scope) -> bool:
    """Whether the browser speaks TLS, with this server or with the proxy in front of it."""
    return scope["scheme"] in {"https", "wss"}


def is_same_origin(scope: Scope, headers: Headers) -> bool:
    """Whether a page of this very app sent the request: what changes something must say so."""
    if (site := headers.get("sec-fetch-site")) is not None and site != "same-origin":
        return False
    origin, host = headers.get("origin"), headers.get("host")
    if not origin or not host:
        return False
    scheme = "https" if is_tls(scope) else "http"
    return origin.lower() == f"{scheme}://{host.lower()}"


def comes_from_here(scope: Scope, headers: Headers) -> bool:
    """Whether a link of this very app was followed, as far as the browser tells."""
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    referer, host = urlsplit(headers.get("referer", "")), headers.get("host", "")
    return bool(host) and referer.netloc.lower() == host.lower() and (referer.scheme == "https") == is_tls(scope)


def _is_public(path: str) -> bool:
    return (
        path in PUBLIC
        or (path.startswith(PUBLIC_FOLDER) and index.asset(path.removeprefix(PUBLIC_FOLDER)) is not None)
        or path.startswith(api.FOLDER)  # whose routes ask for a token, and for nothing else
        or CALENDAR.fullmatch(path) is not None
    )


def _refused_outright(scope: Scope, headers: Headers) -> Response | None:
    path = scope["path"]
    if not _host_allowed(headers):
        return PlainTextResponse("This host name is not served here.", 421)
    if path.startswith(_CLOSED):
        return PlainTextResponse("Not found", 404)
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        return PlainTextResponse("Bad request", 400)
    if int(length) > _body_limit(scope):
        return PlainTextResponse("Too large", 413)
    return None


def _host_allowed(headers: Headers) -> bool:
    allowed = [pattern.lower() for pattern in config.get_option("server.allowedHosts") or ()]
    try:
        name = (urlsplit(f"//{headers.get('host', '')}").hostname or "").rstrip(".")
    except ValueError:
        return False
    return bool(name) and (
        not allowed or any(p in ("*", name) or (p.startswith("*.") and name.endswith(p[1:])) for p in allowed)
    )


def _ask_to_sign_in(scope: Scope, headers: Headers) -> Response:
    is_page = scope["method"] in {"GET", "HEAD"} and "text/html" in headers.get("accept", "")
    if not is_page or scope["path"].startswith(("/_stcore/", _MEDIA, program.FOLDER, "/component/", "/api/")):
        return PlainTextResponse("Sign in first", 401)
    wanted = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
    return RedirectResponse("/login" if wanted == "/" else f"/login?next={quote(wanted, safe='')}", 303)


async def _beyond_session(scope: Scope, key: str, found: "LiveSession | bool") -> Response | None:
    """Refuse what a live session of somebody else owns, and everything but /password when the password has expired."""
    path = scope["path"]
    if path.startswith(_UPLOAD) and not bindings.belongs(path.removeprefix(_UPLOAD).partition("/")[0], key):
        return PlainTextResponse("Not your session", 403)
    if path.startswith(_MEDIA) and not _drawn_for(path.removeprefix(_MEDIA), key):
        return PlainTextResponse("Not found", 404)
    if isinstance(found, LiveSession) and path not in _STILL_OPEN and await _password_expired(found):
        return RedirectResponse("/password", 303)
    return None


async def _password_expired(found: LiveSession) -> bool:
    return await to_thread.run_sync(lambda: accounts.password_has_expired(session.database(), found, session.utc_now()))


def _drawn_for(file_name: str, key: str) -> bool:
    """Whether a media file was made for this session or stands on a page drawn for it: its address opens nothing."""
    # Streamlit offers no public way to ask this; where the answer is missing, the file is refused.
    manager = Runtime.instance().media_file_mgr
    by_session: dict[str, dict[str, str]] = manager._files_by_session_and_coord
    file_id = file_name.partition(".")[0]
    return bindings.made_for(file_id, key) or any(
        file_id in by_session.get(owned, {}).values() for owned in bindings.owned_by(key)
    )


def _identified(scope: Scope, headers: Headers, key: str | None) -> Scope:
    """Return the scope with the identity that we vouch for, and no other."""
    kept = [(name, value) for name, value in headers.raw if not name.lower().startswith(b"x-crm-")]
    if key is not None:
        kept.append((IDENTITY_HEADER.encode(), key.encode()))
    return {**scope, "headers": kept}


def _without_foreign_session(subprotocols: bytes, key: str) -> bytes:
    """Drop the Streamlit session to resume, the third entry, unless it was drawn for this session."""
    entries = [entry.strip() for entry in subprotocols.decode("latin-1").split(",")]
    if len(entries) > 2 and not bindings.belongs(entries[2], key):
        entries = entries[:2]
    return ", ".join(entries[:3]).encode("latin-1")


def _body_limit(scope: Scope) -> int:
    if scope["path"].startswith(_UPLOAD):
        return int(config.get_option("server.maxUploadSize")) * 1024 * 1024 + _MULTIPART_MARGIN
    return _FORM_LIMIT


def _limited(receive: Receive, limit: int) -> Receive:
    """Count the body as it comes: a length may be missing or wrong."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413)
        return message

    return counted


def _with_security_headers(scope: Scope, headers: Headers, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            found = MutableHeaders(scope=message)
            found["X-Content-Type-Options"] = "nosniff"
            found["X-Frame-Options"] = "DENY"
            found["Referrer-Policy"] = "same-origin"
            found["Cross-Origin-Opener-Policy"] = "same-origin"
            found["Cross-Origin-Resource-Policy"] = "same-origin"
            found["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
            found["Content-Security-Policy"] = _content_policy(scope, headers)
            if is_tls(scope):
                found["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
            if not scope["path"].startswith((PUBLIC_FOLDER, program.FOLDER)):
                found["Cache-Control"] = "no-store"
            del found["Access-Control-Allow-Origin"]
            del found["server"]
        await send(message)

    return sending


def _content_policy(scope: Scope, headers: Headers) -> str:
    if scope["path"] in index.OWN_PAGES:
        return (
            "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self';"
            " font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    host = headers.get("host", "")
    socket = f"{'wss' if is_tls(scope) else 'ws'}://{host}" if _host_allowed(headers) else ""
    return (
        # Inline styles are how Streamlit draws; no inline script and no eval anywhere.
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
        f" font-src 'self' data:; connect-src 'self' {socket}; worker-src 'self' blob:; media-src 'self' blob:;"
        " frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )


def _with_index(scope: Scope, headers: Headers, send: Send) -> Send:
    """Put our own first page in the place of Streamlit's: the reader's language, our name and script."""
    if scope["path"] in index.OWN_PAGES:
        return send
    language = cookie_parser(headers.get("cookie", "")).get(session.LANGUAGE_COOKIE, DEFAULT_LANGUAGE)
    page: bytes | None = None

    async def sending(message: Message) -> None:
        nonlocal page
        if message["type"] == "http.response.start":
            found = MutableHeaders(scope=message)
            if message["status"] == 200 and found.get("content-type", "").startswith("text/html"):
                page = index.page(language)
                for name in ("etag", "last-modified", "content-encoding", "accept-ranges"):
                    del found[name]
                found["content-length"] = str(len(page))
                found["cache-control"] = "no-store"
        elif page is not None and message["type"] == "http.response.body":
            if message.get("more_body"):
                return
            message = {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else page}
        await send(message)

    return sending
