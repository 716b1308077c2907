"""Bearer tokens: who is calling. Identity only; what a user may do is never read from a token.

HS256 with a shared secret needs the standard library alone, so a function that only knows its caller starts without a crypto
package. RS256 and ES256 use PyJWT's, loaded when such a token is configured.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tollgate.config import Tokens
from tollgate.errors import ProviderUnavailable, Unauthorized

LEEWAY_SECONDS = 30
LONGEST_TOKEN = 8192
LONGEST_USER_ID = 128
KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}
SUPPORTED = frozenset({"HS256", *KEY_TYPES})
KEYS_KEPT_SECONDS = 3600
HEADER_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
KIND_CLAIMS = ("token_use", "token_type", "typ")  # Cognito, simplejwt and Keycloak say there what a token is for
ACCESS = frozenset({"access", "bearer", "jwt", "at+jwt"})
OTHER_KINDS = (
    "refresh",
    "reset",
    "verif",
    "invit",
)  # parts of what an application writes into `type`, if not what a user is
OF_ID_TOKENS = frozenset({"nonce", "at_hash", "c_hash"})  # OpenID Connect Core, 2 and 3.3.2.11


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who is calling, as the token proves it. One that does not say when it was issued counts as older than any."""

    user_id: str
    email: str | None
    role: str
    issued_at: datetime


class _BadTokenError(Exception):
    pass


def verify(token: str, settings: Tokens, now: datetime) -> Identity:
    """The identity that the token proves. Raises Unauthorized, always with the same words."""
    try:
        return _identity(_claims(token, settings, now.timestamp()))
    except (_BadTokenError, ValueError, binascii.Error, RecursionError, OverflowError) as error:
        raise Unauthorized from error


def _claims(token: str, settings: Tokens, now: float) -> Mapping[str, Any]:
    if len(token) > LONGEST_TOKEN or token.count(".") != 2:  # noqa: PLR2004 -- header, claims, signature
        raise _BadTokenError
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    header = _decode(head)
    if header.get("alg") != settings.algorithm or settings.algorithm not in SUPPORTED or "crit" in header:
        raise _BadTokenError
    if not _is_signed(signed.encode(), _bytes(signature), _Key(settings, header.get("kid"), now)):
        raise _BadTokenError
    claims = _decode(body)
    _check_kind(header, claims)
    _check_times(claims, now)
    _check_audience(claims, settings)
    return claims


def _bytes(part: str) -> bytes:
    # Strict: one token, one spelling. Python's decoder would skip what does not belong.
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise _BadTokenError
    return raw


def _decode(part: str) -> Mapping[str, Any]:
    value = json.loads(_bytes(part))
    if not isinstance(value, dict):
        raise _BadTokenError
    return value


@dataclass(frozen=True, slots=True)
class _Key:
    """Which key has to have signed a token: the settings' own, or the published one of that id at that time."""

    settings: Tokens
    kid: object
    at: float


def _is_signed(message: bytes, signature: bytes, wanted: _Key) -> bool:
    settings = wanted.settings
    if settings.algorithm == "HS256":
        expected = hmac.new(settings.secret.encode(), message, hashlib.sha256).digest()
        return bool(settings.secret) and hmac.compare_digest(expected, signature)
    from jwt.algorithms import get_default_algorithms

    algorithm = get_default_algorithms()[settings.algorithm]
    return algorithm.verify(message, _public_key(wanted), signature)


def _public_key(wanted: _Key) -> Any:  # noqa: ANN401 -- the crypto package's key
    from jwt.algorithms import get_default_algorithms

    settings = wanted.settings
    algorithm = get_default_algorithms()[settings.algorithm]
    if settings.public_key:
        return algorithm.prepare_key(settings.public_key)
    keys = _jwks(settings.jwks_url, int(wanted.at // KEYS_KEPT_SECONDS))
    fitting = [key for key in keys if key.get("kty") == KEY_TYPES[settings.algorithm]]
    found = [key for key in fitting if wanted.kid is None or key.get("kid") == wanted.kid]
    if len(found) != 1:
        raise _BadTokenError
    return algorithm.from_jwk(found[0])


@lru_cache(maxsize=1)
def _jwks(url: str, hour: int) -> list[dict[str, Any]]:
    """The keys published at the configured address, read once an hour. The token never says where keys are."""
    del hour  # only there to make the cache forget: keys are exchanged now and then
    if not url.startswith("https://"):
        raise _BadTokenError
    from urllib import request  # noqa: PLC0415 -- only where keys are published at an address

    try:
        with request.urlopen(url, timeout=2) as answer:  # noqa: S310 -- https only, and from the settings
            keys: list[dict[str, Any]] = json.loads(answer.read(65_536))["keys"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProviderUnavailable("The keys that tokens are checked with cannot be read; try again.") from error
    return keys


def _check_kind(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """An ID token is for whoever signs in, a refresh token for whoever issued it: neither opens an API."""
    kinds = [str(claims[name]).lower() for name in KIND_CLAIMS if name in claims]
    if str(header.get("typ", "jwt")).lower() not in HEADER_TYPES or not ACCESS.issuperset(kinds):
        raise _BadTokenError
    own = str(claims.get("type")).lower()
    if own == "id" or any(part in own for part in OTHER_KINDS) or not OF_ID_TOKENS.isdisjoint(claims):
        raise _BadTokenError


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    if now - LEEWAY_SECONDS >= _instant(claims.get("exp")):
        raise _BadTokenError
    for name in ("nbf", "iat"):
        if name in claims and _instant(claims[name]) > now + LEEWAY_SECONDS:
            raise _BadTokenError


def _instant(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:  # noqa: PLR2004 -- also not NaN
        raise _BadTokenError
    return value


def _check_audience(claims: Mapping[str, Any], settings: Tokens) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if settings.audience and settings.audience not in audiences:
        raise _BadTokenError
    if settings.issuer and claims.get("iss") != settings.issuer:
        raise _BadTokenError


def _identity(claims: Mapping[str, Any]) -> Identity:
    user_id = next((claims[name] for name in ("sub", "id", "userId") if claims.get(name)), None)
    if not isinstance(user_id, str) or len(user_id) > LONGEST_USER_ID or not user_id.isprintable():
        raise _BadTokenError
    email, role = claims.get("email"), claims.get("role")  # half a surrogate pair could not be written down
    return Identity(
        user_id=user_id,
        email=email if isinstance(email, str) and email.isprintable() else None,
        role=role if isinstance(role, str) else "user",
        issued_at=datetime.fromtimestamp(int(claims.get("iat", 0)), UTC),
    )
