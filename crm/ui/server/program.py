"""Streamlit's program files as this app serves them: from memory and compressed, for a page loads a hundred of them.

Streamlit itself reads each from disk for every browser, which is most of the time before a first page is drawn. Their
names carry their content, so a browser keeps them for good.
"""

import gzip
import mimetypes
import re
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from streamlit import file_util

FOLDER = "/static/"
# What nearly every page draws first: asked for with the page itself, not when the script has said so.
_EARLY = "Html Button ButtonGroup Selectbox TextInput PageLink DataFrame".split()
_COMPRESSIBLE = (".js", ".css", ".svg", ".json")
_SMALLEST = 1024


def file_response(path: str, headers: Headers) -> Response | None:
    """Return the answer for a program file, None where there is none of this name."""
    name = path.removeprefix(FOLDER)
    if name not in _names():
        return None
    content, packed = _content(name)
    answer = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if packed is not None and "gzip" in headers.get("accept-encoding", ""):
        content = packed
        answer["Content-Encoding"] = "gzip"
    return Response(content, media_type=mimetypes.guess_type(name)[0], headers=answer)


@cache
def early_files() -> tuple[str, ...]:
    """Return the addresses of the modules that nearly every page needs, with the modules that they import."""
    wanted = [name for name in _names() if re.fullmatch(rf"js/({'|'.join(_EARLY)})\.[\w-]{{8}}\.js", name)]
    found: dict[str, None] = {}
    while wanted:
        name = wanted.pop()
        if name in _names() and name not in found:
            found[name] = None
            imports = re.findall(rb'(?:from|import)\s*"\./([\w.-]+\.js)"', _content(name)[0])
            wanted += [f"js/{imported.decode()}" for imported in imports]
    return tuple(f"{FOLDER}{name}" for name in sorted(found))


def _folder() -> Path:
    return Path(file_util.get_static_dir(), "static")


@cache
def _names() -> frozenset[str]:
    folder = _folder()
    return frozenset(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@cache
def _content(name: str) -> tuple[bytes, bytes | None]:
    """Return a file's bytes, plain and compressed; None where compressing gains nothing."""
    plain = (_folder() / name).read_bytes()
    if len(plain) < _SMALLEST or not name.endswith(_COMPRESSIBLE):
        return plain, None
    return plain, gzip.compress(plain, 6, mtime=0)
