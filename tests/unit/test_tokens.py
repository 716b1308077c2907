"""A bearer token proves who calls: signed by the configured key, not expired, for us; and nothing else is accepted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import NOW
from tollgate.calendar import EPOCH
from tollgate.config import Tokens
from tollgate.errors import Unauthorized
from tollgate.http.tokens import LONGEST_TOKEN, LONGEST_USER_ID, Identity, verify

ROOT = Path(__file__).parents[2]
SECRET = "a-secret-of-the-express-application"
STAMP = int(NOW.timestamp())
CLAIMS = {"sub": "u1", "exp": STAMP + 3600}
DROP = object()


def settings(**changes: str) -> Tokens:
    named = {"algorithm": "HS256", "secret": SECRET, "jwks_url": "", "public_key": "", "audience": "", "issuer": ""}
    return Tokens(**{**named, **changes})


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(head: str, body: str, secret: str = SECRET) -> str:
    digest = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{encode(digest)}"


def a_token(header: object = None, secret: str = SECRET, **claims: Any) -> str:  # noqa: ANN401 -- a claim may be anything
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not DROP}
    head = {"alg": "HS256", "typ": "JWT"} if header is None else header
    return sign(encode(json.dumps(head).encode()), encode(json.dumps(said).encode()), secret)


def refused(token: str, held: Tokens | None = None) -> bool:
    """Whether the token is refused; any other error than the refusal is a failure."""
    try:
        verify(token, held or settings(), NOW)
    except Unauthorized:
        return True
    return False


def test_a_refusal_names_the_scheme_and_never_what_was_wrong() -> None:
    for token in ("", a_token(exp=0), a_token(secret="other"), a_token({"alg": "none"})):
        with pytest.raises(Unauthorized) as caught:
            verify(token, settings(), NOW)
        assert caught.value.headers == {"WWW-Authenticate": "Bearer"}
        assert caught.value.detail == "The bearer token is not valid, or it has expired."


def test_a_good_token_tells_who_calls() -> None:
    token = a_token(email="a@example.com", role="admin", tier="lifetime", iat=STAMP - 60)
    issued = NOW - timedelta(minutes=1)
    assert verify(token, settings(), NOW) == Identity(
        user_id="u1", email="a@example.com", role="admin", issued_at=issued
    )


@pytest.mark.parametrize(("iat", "second"), [(DROP, 0), (0, 0), (STAMP, STAMP), (STAMP - 0.001, STAMP - 1)])
def test_a_token_was_issued_in_a_whole_second_and_before_all_where_it_does_not_say(iat: object, second: int) -> None:
    assert verify(a_token(iat=iat), settings(), NOW).issued_at.timestamp() == second


@pytest.mark.parametrize("name", ["sub", "id", "userId"])
def test_the_user_is_in_sub_or_where_the_express_application_put_it(name: str) -> None:
    named: dict[str, Any] = {"sub": DROP, name: "64f0c2"}
    token = a_token(**named)
    assert verify(token, settings(), NOW) == Identity(user_id="64f0c2", email=None, role="user", issued_at=EPOCH)


def test_sub_comes_first() -> None:
    assert verify(a_token(id="other", userId="another"), settings(), NOW).user_id == "u1"
    assert verify(a_token(sub="", id="other"), settings(), NOW).user_id == "other"


@pytest.mark.parametrize(
    "user_id",
    [DROP, None, "", 0, 7, 1.5, True, [], ["u1"], {"a": 1}, "u" * (LONGEST_USER_ID + 1), "a\nb", "a\x00b", "\ud800"],
)
def test_a_token_that_names_nobody_is_refused(user_id: object) -> None:
    assert refused(a_token(sub=user_id))


@pytest.mark.parametrize(("email", "role"), [(5, 7), (["a"], ["admin"]), (None, None), ("\ud800", {"admin": 1})])
def test_an_odd_email_or_role_gives_no_rights(email: object, role: object) -> None:
    found = verify(a_token(email=email, role=role), settings(), NOW)
    assert (found.user_id, found.email, found.role) == ("u1", None, "user")


@pytest.mark.parametrize(
    "algorithm",
    [
        "none",
        "None",
        "nOnE",
        "NONE",
        "",
        "hs256",
        "HS384",
        "HS512",
        "RS256",
        "ES256",
        ["HS256"],
        {"a": 1},
        None,
        1,
        True,
    ],
)
def test_only_the_configured_algorithm_is_accepted(algorithm: object) -> None:
    assert refused(a_token({"alg": algorithm}))
    unsigned = a_token({"alg": algorithm}).rpartition(".")[0] + "."
    assert refused(unsigned)


@pytest.mark.parametrize("header", [{}, [], "HS256", 1, None, {"alg": "HS256", "crit": ["exp"]}, {"typ": "JWT"}])
def test_a_header_without_a_plain_algorithm_is_refused(header: object) -> None:
    head = encode(json.dumps(header).encode())
    assert refused(sign(head, encode(json.dumps(CLAIMS).encode())))


@pytest.mark.parametrize(
    "extra",
    [
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "oct", "k": encode(b"mine")}},
        {"kid": "../../dev/null"},
        {"kid": "' OR 1=1"},
        {"x5c": ["MII"]},
    ],
)
def test_a_token_cannot_say_which_key_to_check_it_with(extra: dict[str, object]) -> None:
    header = {"alg": "HS256", **extra}
    assert refused(a_token(header, secret="mine"))
    assert refused(a_token(header, secret=""))
    assert verify(a_token(header), settings(), NOW).user_id == "u1"


@pytest.mark.parametrize("secret", ["", "other", SECRET + " ", SECRET.upper()])
def test_another_secret_is_refused(secret: str) -> None:
    assert refused(a_token(secret=secret))


def test_without_a_configured_secret_nothing_is_accepted() -> None:
    assert refused(a_token(secret=""), settings(secret=""))


@pytest.mark.parametrize("algorithm", ["none", "", "HS512", "PS256"])
def test_an_unsupported_configured_algorithm_lets_nobody_in(algorithm: str) -> None:
    assert refused(a_token({"alg": algorithm}), settings(algorithm=algorithm))


@pytest.mark.parametrize(
    ("exp", "good"),
    [
        (STAMP + 3600, True),
        (STAMP + 0.5, True),
        (STAMP, True),
        (STAMP - 29, True),
        (STAMP - 30, False),
        (STAMP - 31, False),
        (0, False),
        (-1, False),
        (str(STAMP + 3600), False),
        (1e18, False),
        (10**40, False),
        (float("nan"), False),
        (float("inf"), False),
        (True, False),
        (None, False),
        ([STAMP + 3600], False),
        (DROP, False),
    ],
)
def test_a_token_holds_until_it_expires_give_or_take_thirty_seconds(exp: object, good: bool) -> None:  # noqa: FBT001 -- a case
    assert refused(a_token(exp=exp)) is not good


@pytest.mark.parametrize("name", ["nbf", "iat"])
@pytest.mark.parametrize(
    ("value", "good"),
    [
        (STAMP - 3600, True),
        (STAMP + 30, True),
        (STAMP + 31, False),
        (STAMP + 3600, False),
        ("soon", False),
        (None, False),
        (True, False),
        (float("nan"), False),
    ],
)
def test_a_token_from_the_future_is_refused(name: str, value: object, good: bool) -> None:  # noqa: FBT001 -- a case
    said: dict[str, Any] = {name: value}
    assert refused(a_token(**said)) is not good


@pytest.mark.parametrize(
    ("said", "good"),
    [
        ({"token_use": "access"}, True),
        ({"token_use": "id"}, False),
        ({"token_type": "refresh"}, False),
        ({"token_type": ["access"]}, False),
        ({"token_use": None}, False),
        ({"typ": "Bearer"}, True),
        ({"typ": "ID"}, False),
        ({"typ": "Refresh"}, False),
        ({"typ": "Offline"}, False),
        ({"type": "access"}, True),
        ({"type": "student"}, True),
        ({"type": None}, True),
        ({"type": "ID"}, False),
        ({"type": "refresh"}, False),
        ({"type": "password-reset"}, False),
        ({"type": ["refresh_token"]}, False),
        ({"type": "emailVerification"}, False),
        ({"typ": "Bearer", "token_use": "id"}, False),
        ({"nonce": "n-0S6_WzA2Mj"}, False),
        ({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}, False),
        ({"c_hash": "LDktKdoQak3Pk0cnXxCltA"}, False),
    ],
)
def test_an_id_or_refresh_token_is_no_access_token(said: dict[str, Any], good: bool) -> None:  # noqa: FBT001 -- a case
    assert refused(a_token(**said)) is not good


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        ("JWT", True),
        ("jwt", True),
        ("at+jwt", True),
        ("application/at+jwt", True),
        ("JWE", False),
        ("dpop+jwt", False),
        ("logout+jwt", False),
        ("id_token+jwt", False),
        ("", False),
        (None, False),
        (["JWT"], False),
    ],
)
def test_a_token_whose_header_says_it_is_another_kind_is_refused(kind: object, good: bool) -> None:  # noqa: FBT001 -- a case
    assert refused(a_token({"alg": "HS256", "typ": kind})) is not good


@pytest.mark.parametrize(
    ("audience", "good"),
    [
        ("tollgate", True),
        (["other", "tollgate"], True),
        ("tollgate-test", False),
        ("toll", False),
        ("", False),
        ([], False),
        (["toll"], False),
        ([["tollgate"]], False),
        ({"tollgate": 1}, False),
        (None, False),
        (DROP, False),
    ],
)
def test_the_audience_is_exact_where_one_is_configured(audience: object, good: bool) -> None:  # noqa: FBT001 -- a case
    assert refused(a_token(aud=audience), settings(audience="tollgate")) is not good


@pytest.mark.parametrize(
    ("issuer", "good"),
    [("https://id.example", True), ("https://id.example/", False), ("https://id", False), (None, False), (DROP, False)],
)
def test_the_issuer_is_exact_where_one_is_configured(issuer: object, good: bool) -> None:  # noqa: FBT001 -- a case
    assert refused(a_token(iss=issuer), settings(issuer="https://id.example")) is not good


def test_a_token_of_the_test_stage_opens_nothing_in_production() -> None:
    stages = {
        stage: settings(audience=f"tollgate-{stage}", issuer=f"https://id.example/{stage}", secret=f"{SECRET}-{stage}")
        for stage in ("test", "prod")
    }
    ours = {"aud": "tollgate-test", "iss": "https://id.example/test"}
    token = a_token(secret=f"{SECRET}-test", **ours)
    assert verify(token, stages["test"], NOW).user_id == "u1"
    assert refused(token, stages["prod"])
    assert refused(a_token(secret=f"{SECRET}-prod", **ours), stages["prod"])  # were the stages to share a secret
    assert refused(a_token(secret=f"{SECRET}-prod", **ours | {"aud": "tollgate-prod"}), stages["prod"])


def test_every_flipped_bit_makes_a_token_bad() -> None:
    token = a_token(email="a@example.com")
    for at, letter in enumerate(token):
        for bit in range(8):
            changed = token[:at] + chr(ord(letter) ^ (1 << bit)) + token[at + 1 :]
            assert refused(changed), (at, bit)


def test_one_token_has_one_spelling() -> None:
    token = a_token()
    head, body, signature = token.split(".")
    last = "AEIMQUYcgkosw048"[("AEIMQUYcgkosw048".index(signature[-1]))]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spelt_otherwise = signature[:-1] + alphabet[alphabet.index(last) + 1]
    assert base64.urlsafe_b64decode(spelt_otherwise + "=") == base64.urlsafe_b64decode(signature + "=")
    for other in (
        f"{head}.{body}.{spelt_otherwise}",
        f"{token}=",
        f"{head}.{body}.{signature[:5]}\n{signature[5:]}",
        f"{head}.{body}.{signature[:5]}!{signature[5:]}",
        f" {token}",
        f"{token} ",
    ):
        assert refused(other)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "é.é.é",
        "\ud800.\ud800.\ud800",
        "x" * (LONGEST_TOKEN + 1),
        "." * 10_000,
        sign(encode(b'{"alg":"HS256"}'), encode(b"[" * 3_000)),
        sign(encode(b'{"alg":"HS256"}'), encode(b"[]")),
        sign(encode(b'{"alg":"HS256"}'), encode(b"\xff\xfe")),
        sign(encode(b'{"alg":"HS256"}'), encode(b'{"exp":' + b"9" * 5_000 + b"}")),
        sign(encode(b'{"alg":"HS256"}'), ""),
    ],
)
def test_what_is_no_token_is_refused_without_an_error(token: str) -> None:
    assert refused(token)


def test_a_token_longer_than_any_real_one_is_refused_unread() -> None:
    assert refused(a_token(padding="x" * LONGEST_TOKEN))


@given(st.text(max_size=200))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    assert refused(text)


RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
EC = ec.generate_private_key(ec.SECP256R1())


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def asymmetric(algorithm: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **header: str) -> str:
    import jwt  # noqa: PLC0415 -- only the tests sign with it

    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return jwt.encode(CLAIMS, private, algorithm=algorithm, headers=header)


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA), ("ES256", EC)])
def test_a_token_signed_with_the_private_key_is_accepted(
    algorithm: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> None:
    held = settings(algorithm=algorithm, public_key=public(key))
    token = asymmetric(algorithm, key)
    assert verify(token, held, NOW).user_id == "u1"
    assert refused(token)
    assert refused(token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"), held)
    assert refused(token.rpartition(".")[0] + ".", held)
    assert refused(token.rpartition(".")[0] + ".AAAA", held)


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA), ("ES256", EC)])
def test_the_public_key_is_not_taken_for_a_shared_secret(
    algorithm: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> None:
    held = settings(algorithm=algorithm, public_key=public(key), secret=SECRET)
    assert refused(a_token(secret=public(key)), held)
    assert refused(a_token({"alg": algorithm}, secret=public(key)), held)
    assert refused(a_token(), held)


def test_another_private_key_is_refused() -> None:
    assert refused(asymmetric("RS256", OTHER_RSA), settings(algorithm="RS256", public_key=public(RSA)))


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1/keys", "file:///etc/passwd"])
def test_keys_are_read_from_https_only(url: str) -> None:
    assert refused(asymmetric("RS256", RSA, kid="a"), settings(algorithm="RS256", jwks_url=url))


KEY_SERVER = """
import json, ssl, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer

class Keys(BaseHTTPRequestHandler):
    served = 0
    body = b""
    def do_GET(self):
        Keys.served += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(Keys.body)
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Keys)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()

from datetime import datetime, timedelta
from tollgate.config import Tokens
from tollgate.errors import Refusal
from tollgate.http.tokens import verify

given = json.load(sys.stdin)
held = Tokens(algorithm="RS256", secret="", public_key="", audience="", issuer="",
              jwks_url=f"https://localhost:{server.server_port}/keys")
now = datetime.fromisoformat(given["now"])

def answer(token, at=now, settings=held):
    try:
        return verify(token, settings, at).user_id
    except Refusal as refusal:
        return refusal.status

seen = {}
Keys.body = b"<html>"
seen["garbage"] = answer(given["known"])
Keys.body = json.dumps(given["keys"]).encode()
seen |= {name: answer(given[name]) for name in ("known", "unknown", "nameless", "other kind", "points elsewhere")}
seen["requests"] = Keys.served
Keys.body = json.dumps({"keys": []}).encode()
seen["within the hour"] = answer(given["known"])
seen["an hour later"] = answer(given["known"], now + timedelta(minutes=59))
server.shutdown()
server.server_close()
seen["nobody there"] = answer(given["known"], now + timedelta(hours=-5))
print(json.dumps(seen))
"""


def a_certificate() -> bytes:
    """A key and a certificate for localhost, which vouches for itself."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + made.public_bytes(Encoding.PEM)


def test_published_keys_are_found_by_their_id_and_read_again_after_an_hour(tmp_path: Path) -> None:
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm  # noqa: PLC0415 -- only here

    keys = [
        {**RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "kid": "rsa"},
        {**RSAAlgorithm.to_jwk(OTHER_RSA.public_key(), as_dict=True), "kid": "next"},
        {**ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), "kid": "ec"},
    ]
    given = {
        "now": NOW.isoformat(),
        "keys": {"keys": keys},
        "known": asymmetric("RS256", RSA, kid="rsa"),
        "unknown": asymmetric("RS256", RSA, kid="../rsa"),
        "nameless": asymmetric("RS256", RSA),
        "other kind": asymmetric("RS256", RSA, kid="ec"),
        "points elsewhere": asymmetric("RS256", RSA, kid="next", jku="https://evil.example/keys"),
    }
    certificate = tmp_path / "localhost.pem"
    certificate.write_bytes(a_certificate())
    env = {"PYTHONPATH": str(ROOT / "layers/shared"), "PATH": os.defpath, "SSL_CERT_FILE": str(certificate)}
    done = subprocess.run(  # noqa: S603 -- our own interpreter and script
        [sys.executable, "-c", KEY_SERVER, str(certificate)],
        input=json.dumps(given),
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "garbage": 503,  # not 401: it is not the caller's fault, and is not remembered
        "known": "u1",
        "unknown": 401,
        "nameless": 401,
        "other kind": 401,
        "points elsewhere": 401,
        "requests": 2,
        "within the hour": "u1",
        "an hour later": 401,
        "nobody there": 503,
    }
