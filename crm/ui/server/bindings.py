"""Which signed-in browser a Streamlit session, or a file made on demand, belongs to.

A Streamlit session id travels in addresses and handshakes; it may be used by the session that it was drawn for and by
no other. What is not known here is refused, so that forgetting is safe.
"""

import threading
from collections import OrderedDict

MOST = 20_000

_owners: OrderedDict[str, str] = OrderedDict()
_files: OrderedDict[tuple[str, str], None] = OrderedDict()
_lock = threading.Lock()


def bind(streamlit_id: str, key: str) -> None:
    """Note that a Streamlit session was drawn for the session with this key; the first owner stays."""
    with _lock:
        _owners.setdefault(streamlit_id, key)
        _owners.move_to_end(streamlit_id)
        while len(_owners) > MOST:
            _owners.popitem(last=False)


def belongs(streamlit_id: str, key: str) -> bool:
    """Whether a Streamlit session was drawn for the session with this key."""
    with _lock:
        return _owners.get(streamlit_id) == key


def owned_by(key: str) -> list[str]:
    """List the Streamlit sessions that were drawn for the session with this key."""
    with _lock:
        return [streamlit_id for streamlit_id, owner in _owners.items() if owner == key]


def hand_over(file_id: str, key: str) -> None:
    """Note that a file was made for the session with this key; several may have been made the same file."""
    with _lock:
        _files[file_id, key] = None
        _files.move_to_end((file_id, key))
        while len(_files) > MOST:
            _files.popitem(last=False)


def made_for(file_id: str, key: str) -> bool:
    """Whether a file was made for the session with this key."""
    with _lock:
        return (file_id, key) in _files
