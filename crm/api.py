"""The HTTP API: what the command line reads, and its exports, for programs that bring a person's token.

`Authorization: Bearer …` says whose rights of the moment count; nothing else does, no cookie and no other header. A
refusal is one sentence, `{"error": …}`, in the person's language.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from crm.actions import credentials
from crm.errors import CrmError, DatabaseBusy, DatabaseUnusable, Denied, Invalid, NotFound
from crm.exchange.columns import KINDS
from crm.exchange.exporting import export_table
from crm.locale import Message, _, use_language
from crm.model import Actor
from crm.months import bureau_day
from crm.reports.accounts import Token, token_owner
from crm.reports.answers import answer, json_text
from crm.store import Database, utc_now

log = logging.getLogger(__name__)

FOLDER = "/api/v1/"
_MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
_LENGTH_OF_TOKEN = 43
_PIECE = 1024 * 1024
# A few at a time: programs ask as fast as they can, and people wait for pages meanwhile.
_AT_ONCE = 4
_limiter: CapacityLimiter | None = None


def routes(database: Callable[[], Database]) -> list[Route]:
    """Return the routes of the API over the database that the server holds open."""

    async def answered(request: Request) -> Response:
        global _limiter
        if _limiter is None:
            _limiter = CapacityLimiter(_AT_ONCE)
        return await to_thread.run_sync(lambda: _answered(database(), request), limiter=_limiter)

    return [Route(f"{FOLDER}{{what:path}}", answered, methods=["GET"])]


def _answered(database: Database, request: Request) -> Response:
    try:
        owner = _owner(database, request.headers.get("authorization", ""))
        if owner is None:
            return _refusal(401, _("Send the header “Authorization: Bearer TOKEN” with a token that is not revoked."))
        actor, language = owner
        with use_language(language):
            try:
                return _found(database, actor, request.path_params["what"], request.query_params)
            except CrmError as error:
                return _refusal(_status(error), error.message)
    except Exception:
        log.exception("the API was asked for %s", request.url.path)
        return _refusal(500, _("Something went wrong: the log of the app says what."))


def _owner(database: Database, header: str) -> tuple[Actor, str] | None:
    """Return whose token a header brings and their language."""
    scheme, _blank, token = header.partition(" ")
    if scheme.lower() != "bearer" or len(token) != _LENGTH_OF_TOKEN:
        return None
    # Found by its hash, so that the time it takes tells nothing of the token.
    return token_owner(database, Token.API, credentials.session_key(token))


def _found(database: Database, actor: Actor, what: str, query: QueryParams) -> Response:
    given = {name: value.replace("\x00", "") for name, value in query.items()}
    if len(given) != len(query.multi_items()):
        raise Invalid({"": _("Give each parameter once.")})
    folder, _slash, name = what.partition("/")
    if folder == "export":
        return _exported(database, actor, name, given)
    if folder == "rules" and name:
        what, given = "rules/{name}", {**given, "name": name}
    found = answer(database, actor, what, given, today=bureau_day(utc_now()))
    return Response(json_text(found.document) + "\n", media_type="application/json")


def _exported(database: Database, actor: Actor, kind: str, given: dict[str, str]) -> Response:
    if kind not in KINDS:
        raise NotFound(_("There is no kind “{kind}”. The kinds are: {kinds}.", kind=kind, kinds=", ".join(KINDS)))
    ending = given.pop("format", "xlsx")
    if ending not in _MEDIA_TYPES:
        known = ", ".join(_MEDIA_TYPES)
        raise Invalid({"format": _("“{text}” is not known here. There are: {known}.", text=ending, known=known)})
    for name in (name for name, value in given.items() if not value):
        # A page's empty filter means all; of a program it may be a variable that was not set.
        raise Invalid({name: _("Give the parameter “{name}”.", name=name)})
    with TemporaryDirectory(prefix="crm-api-") as folder:
        path = Path(folder) / f"{kind}.{ending}"
        export_table(database, actor, kind, path, filters=given, now=utc_now())
        size, file = path.stat().st_size, path.open("rb")
    # The folder is gone, and the file goes with its reader, whatever becomes of the connection.
    headers = {"Content-Disposition": f'attachment; filename="{path.name}"', "Content-Length": str(size)}
    return StreamingResponse(_pieces(file), headers=headers, media_type=_MEDIA_TYPES[ending])


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _status(error: CrmError) -> int:
    known: Mapping[type[CrmError], int] = {Denied: 403, NotFound: 404, DatabaseBusy: 503, DatabaseUnusable: 503}
    return known.get(type(error), 400)


def _refusal(status: int, message: Message) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse({"error": str(message)}, status, headers)
