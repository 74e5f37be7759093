"""What proves who somebody is: password rules, password hashes, set-up codes, session tokens, one-time passwords.

No database here. Passwords are kept as Argon2id hashes; codes and tokens are random and long, so that their plain
SHA-256 is enough to recognise them. Moments are UTC without zone.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from crm.locale import Message, _

LONGEST_PASSWORD = 256
TOTP_STEP = 30
# Without 0, O, 1, I and L: a code is read from paper and typed.
_CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE_GROUPS, _CODE_GROUP = 5, 4
# OWASP's smaller profile (19 MiB, two passes): about 20 ms a hash, and forty sign-ins at once fit into memory.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@dataclass(frozen=True)
class PasswordPolicy:
    """What a password must be; `rotation` is how long it may be used, None for ever."""

    slug: str
    shortest: int
    classes: int
    rotation: timedelta | None


# 等保: GB/T 22239-2019 level 2 and up as commonly audited. nist: SP 800-63B-4, length instead of character classes.
POLICIES = {
    policy.slug: policy
    for policy in (
        PasswordPolicy("dengbao", shortest=10, classes=3, rotation=timedelta(days=90)),
        PasswordPolicy("nist", shortest=15, classes=1, rotation=None),
    )
}
DEFAULT_POLICY = POLICIES["dengbao"]


def password_problem(policy: PasswordPolicy, password: str, *, login: str) -> Message | None:
    """Say why a password is not accepted, None where it is."""
    if len(password) < policy.shortest:
        return _("The password is too short: at least {count} characters.", count=policy.shortest)
    if len(password) > LONGEST_PASSWORD:
        return _("The password is too long: at most {count} characters.", count=LONGEST_PASSWORD)
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not (c.isascii() and c.isalnum()))
    if sum(any(kind(character) for character in password) for kind in kinds) < policy.classes:
        return _("Use at least three of: lower-case letters, capital letters, digits, other characters.")
    plain = password.casefold()
    if login.casefold() in plain or plain in login.casefold():
        return _("The password must not contain the login.")
    if len(set(plain)) < 5 or any(word in plain for word in ("password", "12345678", "abcdefgh", "qwertyui")):
        return _("The password is too easy to guess.")
    return None


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, with its salt and cost."""
    return _hasher.hash(password)


def password_fits(password_hash: str | None, password: str) -> bool:
    """Whether a password belongs to a hash; takes as long where there is no hash, so that time tells nothing."""
    try:
        fits = _hasher.verify(password_hash or _nobodys_hash(), password[: LONGEST_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether a hash was made with other costs than today's."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe())


def new_code() -> str:
    """Make a one-time set-up code, about 99 bits: XXXX-XXXX-XXXX-XXXX-XXXX."""
    groups = ("".join(secrets.choice(_CODE_ALPHABET) for _n in range(_CODE_GROUP)) for _g in range(_CODE_GROUPS))
    return "-".join(groups)


def code_hash(code: str) -> str:
    """Return what is stored of a set-up code; case, spaces and dashes do not matter."""
    return hashlib.sha256("".join(c for c in code.upper() if c.isalnum()).encode()).hexdigest()


def new_token() -> str:
    """Make the secret of a session: 256 random bits."""
    return secrets.token_urlsafe(32)


def session_key(token: str) -> str:
    """Return what is stored and passed around of a session's secret; it opens nothing by itself."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_totp_secret() -> str:
    """Make the shared secret of an authenticator app (RFC 6238, 160 bits, base 32)."""
    return pyotp.random_base32()


def totp_link(secret: str, *, login: str, issuer: str) -> str:
    """Return the otpauth:// address that an authenticator app takes the secret from."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def totp_fits(secret: str, typed: str, *, now: datetime, used_until: datetime | None) -> bool:
    """Whether a one-time password is right now, give or take one step of 30 s.

    A step at or before that of `used_until`, the last sign-in, is refused: what was seen over a shoulder is used up.
    """
    digits = "".join(typed.split())
    moment = int(now.replace(tzinfo=UTC).timestamp())
    used = -1 if used_until is None else int(used_until.replace(tzinfo=UTC).timestamp()) // TOTP_STEP
    generator = pyotp.TOTP(secret)
    fitting = [
        step
        for step in (moment // TOTP_STEP + offset for offset in (-1, 0, 1))
        if secrets.compare_digest(generator.at(step * TOTP_STEP).encode(), digits.encode())
    ]
    return any(step > used for step in fitting)
