"""The pages outside Streamlit: signing in and out, passwords, the API and its token, files, the calendar feed.

What changes something is a POST that a page of this app must have sent. A sign-in page says what is wrong in one
sentence and never whether a login exists.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import segno
from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from crm import api
from crm.actions import accounts, credentials
from crm.actions.attachments import download_attachment
from crm.actions.tokens import renew_token, revoke_token
from crm.errors import CrmError, Invalid, NotFound
from crm.exchange.calendar import MEDIA_TYPE, write_calendar
from crm.locale import DEFAULT_LANGUAGE, LANGUAGES, Message, _, use_language
from crm.reports.accounts import LIFETIME, LiveSession, Token, has_token, token_owner
from crm.reports.desk import calendar_items
from crm.ui import session
from crm.ui.server import guard, html, index
from crm.ui.server.html import Field, Text

log = logging.getLogger(__name__)
Result = TypeVar("Result")

_YEAR = 365 * 24 * 3600
_LARGEST_ID = 2**63 - 1
_MEDIA_TYPES = {"svg": "image/svg+xml", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
# Failed sign-ins from one address: many people may sit behind one, so this only slows down a machine that guesses.
_FAILURES, _FAILURES_WINDOW = 60, 600.0
# Password hashes take 19 MiB each: a few at a time, whatever the number of visitors.
_hashing: CapacityLimiter | None = None
_failures: OrderedDict[str, list[float]] = OrderedDict()


# ---------------------------------------------------------------------------------------------------------- signing in


async def show_login(request: Request) -> Response:
    """GET /login"""
    if await _live(request) is not None:
        return RedirectResponse(_next(request.query_params.get("next")), 303)
    done = {"password": _("The password is set. Sign in with it."), "out": _("You are signed out.")}
    notice = done.get(request.query_params.get("done", ""))
    response = _login_page(request, _next(request.query_params.get("next")), notice=notice)
    _forget_session(request, response)
    return response


async def do_login(request: Request) -> Response:
    """POST /login: login and password first, then a one-time password where the account needs one."""
    form = await _form(request)
    target = _next(form.get("next"))
    if _is_guessing(request):
        problem: Text = _("Too many failed sign-ins from this address. Try again in ten minutes.")
        return _login_page(request, target, login=form.get("login", ""), problem=problem, status=429)
    try:
        if "ticket" in form:
            signed_in = await _hashed(
                lambda: accounts.finish_sign_in(
                    session.database(), form["ticket"], form.get("code", ""), now=session.utc_now()
                )
            )
        else:
            step = await _hashed(
                lambda: accounts.sign_in(
                    session.database(), form.get("login", ""), form.get("password", ""), now=session.utc_now()
                )
            )
            if isinstance(step, accounts.SecondFactorNeeded):
                return _second_factor_page(request, target, step.ticket, step.new_secret or "", step.link or "")
            signed_in = step
    except accounts.WrongOneTimePassword as error:
        _count_failure(request)
        secret, address = form.get("secret", ""), form.get("link", "")
        return _second_factor_page(request, target, form["ticket"], secret, address, problem=error.message)
    except CrmError as error:
        _count_failure(request)
        return _login_page(request, target, login=form.get("login", ""), problem=error.message, status=403)
    response = RedirectResponse(target, 303)
    _set_cookie(request, response, guard.cookie_name(request.scope), signed_in.token, int(LIFETIME.total_seconds()))
    if session.LANGUAGE_COOKIE not in request.cookies:
        _set_cookie(request, response, session.LANGUAGE_COOKIE, signed_in.language, _YEAR)
    return response


def _login_page(
    request: Request,
    target: str,
    *,
    login: str = "",
    problem: Text | None = None,
    notice: Text | None = None,
    status: int = 200,
) -> Response:
    fields = [
        Field("login", _("Login"), autocomplete="username", focus=not login),
        Field("password", _("Password"), "password", "current-password", focus=bool(login)),
    ]
    card = html.heading(_("Sign in"), _("With the login that your administrator gave you."))
    card += html.alert(problem) if problem is not None else html.alert(notice, "done") if notice is not None else ""
    card += html.form("/login", fields, submit=_("Sign in"), values={"login": login}, hidden={"next": target})
    card += html.link("/setup", _("I have a set-up code"))
    return _page(request, _("Sign in"), card, status=status)


def _qr_code(text: str) -> str:
    """Return a QR code as an SVG drawing that fills its box."""
    return str(segno.make_qr(text).svg_inline(border=4, dark="#17304f", light="#fff", omitsize=True))


def _second_factor_page(
    request: Request, target: str, ticket: str, secret: str, address: str, *, problem: Text | None = None
) -> Response:
    if secret and address.startswith("otpauth://totp/"):
        card = html.heading(
            _("Set up the second factor"),
            _("Administrators and auditors confirm each sign-in with an authenticator app on their phone."),
        )
        card += html.paragraph(_("Scan this with the app, or type the key into it:"))
        card += html.picture(_qr_code(address), _("QR code for the authenticator app")) + html.secret(
            secret, typed=True
        )
        card += html.link(address, _("The app is on this very device"))
    else:
        card = html.heading(_("Second factor"), _("Type the six digits that your authenticator app shows now."))
    card += html.alert(problem) if problem is not None else ""
    fields = [Field("code", _("One-time password"), autocomplete="one-time-code", focus=True)]
    hidden = {"next": target, "ticket": ticket, **({"secret": secret, "link": address} if secret else {})}
    card += html.form("/login", fields, submit=_("Confirm"), hidden=hidden)
    card += html.link("/login", _("Back to sign-in"))
    return _page(request, _("Second factor"), card, status=200 if problem is None else 403)


async def do_logout(request: Request) -> Response:
    """POST /logout, or a link to it on a page of this app; a link from anywhere else asks first."""
    if request.method == "POST":
        await _form(request)
    elif not guard.comes_from_here(request.scope, request.headers):
        card = html.heading(_("Sign out"), _("Do you want to sign out?"))
        card += html.form("/logout", [], submit=_("Sign out")) + html.link("/", _("Back to the app"))
        return _page(request, _("Sign out"), card)
    key = guard.session_key(request.scope, request.headers)
    if key is not None:
        await _in_thread(lambda: accounts.sign_out(session.database(), key, now=session.utc_now()))
    response = RedirectResponse("/login?done=out", 303)
    _forget_session(request, response)
    return response


# ------------------------------------------------------------------------------------------------------------ passwords


async def show_setup(request: Request) -> Response:
    """GET /setup"""
    return await _setup_page(request, {}, {})


async def do_setup(request: Request) -> Response:
    """POST /setup: choose the first password with a set-up code; the first one of all makes the administrator."""
    form = await _form(request)
    code, login, name, password = (form.get(field, "") for field in ("code", "login", "name", "password"))
    if _is_guessing(request):
        problem = _("Too many failed sign-ins from this address. Try again in ten minutes.")
        return await _setup_page(request, form, {}, problem=problem)
    if password != form.get("again", ""):
        return await _setup_page(request, form, {"again": _("The two passwords differ.")})

    def choose() -> None:
        database, now = session.database(), session.utc_now()
        if accounts.setup_is_open(database):
            accounts.complete_setup(database, code=code, login=login, name=name, password=password, now=now)
        else:
            accounts.set_password(database, login=login, code=code, password=password, now=now)

    try:
        await _hashed(choose)
    except Invalid as error:
        return await _setup_page(request, form, error.fields)
    except CrmError as error:
        _count_failure(request)
        return await _setup_page(request, form, {}, problem=error.message)
    return RedirectResponse("/login?done=password", 303)


async def _setup_page(
    request: Request, values: dict[str, str], problems: dict[str, Message], *, problem: Text | None = None
) -> Response:
    first = await _in_thread(lambda: accounts.setup_is_open(session.database()))
    title = _("Set up the administrator") if first else _("Set your password")
    if first:
        lead = _("“crm init” printed a one-time code. With it you make the first account, which manages all others.")
    else:
        lead = _("Your administrator gave you a one-time code with your login.")
    fields = [
        Field(
            "code", _("Set-up code"), autocomplete="off", focus=True, hint=_("Five groups of four, as it was printed.")
        ),
        Field("login", _("Login"), autocomplete="username"),
        *([Field("name", _("Name"), autocomplete="name")] if first else []),
        *await _new_password_fields(),
    ]
    card = html.heading(title, lead) + (html.alert(problem) if problem is not None else "")
    card += html.form("/setup", fields, submit=_("Save"), values=values, problems=problems)
    card += html.link("/login", _("Back to sign-in"))
    return _page(request, title, card, status=200 if not problems and problem is None else 403)


async def show_password(request: Request) -> Response:
    """GET /password"""
    found = await _required(request)
    expired = await _in_thread(lambda: accounts.password_has_expired(session.database(), found, session.utc_now()))
    return await _password_page(request, {}, expired=expired)


async def do_password(request: Request) -> Response:
    """POST /password: change one's own password."""
    found, form = await _required(request), await _form(request)
    old, new = form.get("old", ""), form.get("password", "")
    if new != form.get("again", ""):
        return await _password_page(request, {"again": _("The two passwords differ.")})
    try:
        await _hashed(
            lambda: accounts.change_own_password(session.database(), found, old=old, new=new, now=session.utc_now())
        )
    except Invalid as error:
        return await _password_page(request, error.fields)
    except CrmError as error:
        return await _password_page(request, {}, problem=error.message)
    return RedirectResponse("/", 303)


async def _password_page(
    request: Request, problems: dict[str, Message], *, problem: Text | None = None, expired: bool = False
) -> Response:
    lead = (
        _("Your password has been in use for too long: choose a new one to go on.")
        if expired
        else _("Your other browsers are signed out when you change it.")
    )
    fields = [
        Field("old", _("Present password"), "password", "current-password", focus=True),
        *await _new_password_fields(),
    ]
    card = html.heading(_("Change password"), lead) + (html.alert(problem) if problem is not None else "")
    card += html.form("/password", fields, submit=_("Save"), problems=problems)
    if expired:
        card += html.link("/logout", _("Sign out"))
    else:
        card += html.link("/token", _("API token")) + html.link("/", _("Back to the app"))
    return _page(request, _("Change password"), card, status=200 if not problems and problem is None else 403)


async def _new_password_fields() -> list[Field]:
    policy = await _in_thread(lambda: accounts.password_policy(session.database()))
    rule = (
        _(
            "At least {count} characters, three of: lower-case, capitals, digits, other characters.",
            count=policy.shortest,
        )
        if policy.classes > 1
        else _("At least {count} characters. A sentence is easy to remember.", count=policy.shortest)
    )
    return [
        Field("password", _("New password"), "password", "new-password", hint=rule),
        Field("again", _("New password again"), "password", "new-password"),
    ]


# ------------------------------------------------------------------------------------------------------- the API token


async def show_token(request: Request) -> Response:
    """GET /token"""
    return await _token_page(request, await _required(request))


async def do_token(request: Request) -> Response:
    """POST /token: make one's API token anew, shown in this answer alone, or revoke it."""
    found, form = await _required(request), await _form(request)
    if form.get("do") == "revoke":
        await _in_thread(lambda: revoke_token(session.database(), found.actor, Token.API, now=session.utc_now()))
        return RedirectResponse("/token", 303)
    made = await _in_thread(lambda: renew_token(session.database(), found.actor, Token.API, now=session.utc_now()))
    return await _token_page(request, found, made=made)


async def _token_page(request: Request, found: LiveSession, *, made: str = "") -> Response:
    has = await _in_thread(lambda: has_token(session.database(), found.actor, Token.API))
    card = html.heading(
        _("API token"), _("With it, programs of yours read rankings, rates, projects and exports, within your rights.")
    )
    if made:
        card += html.alert(_("This is your token. It is shown only now, and an earlier one is void."), "done")
        card += html.secret(made)
        card += html.paragraph(_("Whoever has it can read what you may read: do not pass it on."))
    elif has:
        card += html.paragraph(_("You have a token. It was shown when it was made; a new one takes its place."))
    card += html.form("/token", [], submit=_("Make a new token") if has else _("Make a token"))
    card += html.form("/token", [], submit=_("Revoke the token"), hidden={"do": "revoke"}) if has else ""
    return _page(request, _("API token"), card + html.link("/", _("Back to the app")))


# ------------------------------------------------------------------------------------------------------------ the rest


async def choose_language(request: Request) -> Response:
    """GET /language?to=en: remember the language in this browser and, for who is signed in, in the account."""
    wanted = request.query_params.get("to", "")
    language = wanted if wanted in LANGUAGES else DEFAULT_LANGUAGE
    here = guard.comes_from_here(request.scope, request.headers)
    back = urlsplit(request.headers.get("referer", "")) if here else None
    target = request.query_params.get("next") or (f"{back.path}?{back.query}".rstrip("?") if back else "/")
    response = RedirectResponse(_next(target, own_pages=True), 303)
    _set_cookie(request, response, session.LANGUAGE_COOKIE, language, _YEAR)
    found = await _live(request)
    if found is not None and here:
        await _in_thread(lambda: accounts.choose_language(session.database(), found, language, now=session.utc_now()))
    return response


async def health(request: Request) -> Response:
    """GET /healthz: whether the app and its database answer."""
    try:
        await _in_thread(lambda: session.database().value("select 1"))
    except Exception:
        log.exception("the database does not answer")
        return JSONResponse({"status": "unavailable"}, 503)
    return JSONResponse({"status": "ok"})


async def signed_in(request: Request) -> Response:
    """GET /session: 204 while the session lives; the guard answers 401 otherwise."""
    return Response(status_code=204)


async def own_file(request: Request) -> Response:
    """GET /assets/…: our own styles, scripts and drawings."""
    name = request.path_params.get("name", "icon.svg")
    content = index.asset(name)
    if content is None:
        raise HTTPException(404)
    headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable" if "v" in request.query_params else "no-cache"}
    return Response(content, media_type=_MEDIA_TYPES[name.rpartition(".")[2]], headers=headers)


async def attached_file(request: Request) -> Response:
    """GET /files/17: an attached file to save, to whom may read the record it hangs on now; each time is audited."""
    found, number = await _required(request), request.path_params["attachment_id"]
    if number > _LARGEST_ID:
        raise HTTPException(404)
    try:
        file = await _in_thread(
            lambda: download_attachment(session.database(), found.actor, number, now=session.utc_now())
        )
    except NotFound as error:
        card = html.heading(_("No such file"), error.message) + html.link("/", _("Back to the app"))
        return _page(request, _("No such file"), card, status=404)
    # The name goes out percent-encoded as RFC 5987 has it; the guard adds that browsers must not guess the type.
    return FileResponse(file.path, media_type=file.media_type, filename=file.name)


async def calendar(request: Request) -> Response:
    """GET /calendar/….ics: the to-dos of the person whose token stands in the address, within their rights of now."""
    # Found by its hash, so that the time it takes tells nothing of the token.
    key = credentials.session_key(request.path_params["token"])
    address = f"{'https' if guard.is_tls(request.scope) else 'http'}://{request.headers['host']}"

    def written() -> bytes | None:
        database = session.database()
        found = token_owner(database, Token.CALENDAR, key)
        if found is None:
            return None
        owner, language = found
        with use_language(language):
            items = calendar_items(database, owner, today=session.today())
            return write_calendar(items, name=owner.name or owner.login, address=address)

    content = await _in_thread(written)
    if content is None:
        return PlainTextResponse("Not found", 404)
    return Response(content, headers={"Content-Type": MEDIA_TYPE, "Content-Disposition": "inline"})


Endpoint = Callable[[Request], Awaitable[Response]]


def _in_language(endpoint: Endpoint) -> Endpoint:
    """Speak the language that `?lang=` or the cookie asks for."""

    async def speaking(request: Request) -> Response:
        chosen = request.query_params.get("lang", "")
        with _language_of(request):
            response = await endpoint(request)
        if chosen in LANGUAGES:
            _set_cookie(request, response, session.LANGUAGE_COOKIE, chosen, _YEAR)
        return response

    return speaking


ROUTES = [
    Route("/login", _in_language(show_login), methods=["GET"]),
    Route("/login", _in_language(do_login), methods=["POST"]),
    Route("/setup", _in_language(show_setup), methods=["GET"]),
    Route("/setup", _in_language(do_setup), methods=["POST"]),
    Route("/logout", _in_language(do_logout), methods=["GET", "POST"]),
    Route("/password", _in_language(show_password), methods=["GET"]),
    Route("/password", _in_language(do_password), methods=["POST"]),
    Route("/token", _in_language(show_token), methods=["GET"]),
    Route("/token", _in_language(do_token), methods=["POST"]),
    Route("/language", choose_language, methods=["GET"]),
    Route("/session", signed_in, methods=["GET"]),
    Route("/healthz", health, methods=["GET"]),
    Route("/favicon.ico", own_file, methods=["GET"]),
    Route("/assets/{name}", own_file, methods=["GET"]),
    Route("/files/{attachment_id:int}", _in_language(attached_file), methods=["GET"]),
    Route("/calendar/{token}.ics", calendar, methods=["GET"]),
    *api.routes(session.database),
]


# ---------------------------------------------------------------------------------------------------------------- parts


def _page(request: Request, title: Text, card: str, *, status: int = 200) -> Response:
    address = request.url.path
    if "next" in request.query_params:
        address += "?" + urlencode({"next": request.query_params["next"]})
    return HTMLResponse(html.frame(title, card, address=address), status)


def _language_of(request: Request) -> AbstractContextManager[None]:
    chosen = request.query_params.get("lang") or request.cookies.get(session.LANGUAGE_COOKIE, DEFAULT_LANGUAGE)
    return use_language(chosen)


async def _live(request: Request) -> LiveSession | None:
    key = guard.session_key(request.scope, request.headers)
    return await guard.look_up(key) if key is not None else None


async def _required(request: Request) -> LiveSession:
    found = await _live(request)
    if found is None:  # ended since the guard looked
        raise HTTPException(401)
    return found


async def _form(request: Request) -> dict[str, str]:
    """Read a form that a page of this app sent; refuses any other."""
    if not guard.is_same_origin(request.scope, request.headers):
        raise HTTPException(403, "This form was not sent by a page of this app.")
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise HTTPException(415)
    form = await request.form(max_files=0, max_fields=20)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _next(address: str | None, *, own_pages: bool = False) -> str:
    """Return a place within the app to go on to: never another site, never sign-in again."""
    address = address or "/"
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    if not plain or "\\" in address or (not own_pages and urlsplit(address).path in index.OWN_PAGES):
        return "/"
    return address


async def _in_thread(work: Callable[[], Result]) -> Result:
    return await to_thread.run_sync(work)


async def _hashed(work: Callable[[], Result]) -> Result:
    global _hashing
    if _hashing is None:
        _hashing = CapacityLimiter(4)
    return await to_thread.run_sync(work, limiter=_hashing)


def _set_cookie(request: Request, response: Response, name: str, value: str, max_age: int) -> None:
    # Lax, not Strict: a link to a page in a chat or a mail must find the reader signed in; what changes something
    # asks for the origin besides.
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=guard.is_tls(request.scope), httponly=True, samesite="lax"
    )


def _forget_session(request: Request, response: Response) -> None:
    name = guard.cookie_name(request.scope)
    if name in request.cookies:
        response.delete_cookie(name, path="/", secure=guard.is_tls(request.scope), httponly=True, samesite="lax")


def _is_guessing(request: Request) -> bool:
    recent = [moment for moment in _failures.get(_address(request), ()) if moment > time.monotonic() - _FAILURES_WINDOW]
    return len(recent) >= _FAILURES


def _count_failure(request: Request) -> None:
    moments = _failures.pop(_address(request), [])
    _failures[_address(request)] = [*moments[-_FAILURES:], time.monotonic()]
    while len(_failures) > 10_000:
        _failures.popitem(last=False)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
