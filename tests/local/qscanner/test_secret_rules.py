"""Planted secrets are found; placeholders are not."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.qscanner.secret_rules import find_secrets

# Joined here, so that no scanner takes this file for a leak.
AWS_ID = "AKIA" + "QWERTYUIOP234567"
AWS_SECRET = "wJalrXUtnFEMI7K+MDENG/bPxRfiCYz9k2Qw8sTu"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
SLACK = "xoxb-" + "123456789012-abcdefABCDEF"
STORAGE = "Ab3+/" * 17 + "x=" + "="
BODY = "MIIEowIBAAKCAQEAx\n" * 4
PRIVATE_KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("rule", "text", "match"),
    [
        ("aws-access-key-id", f'key = "{AWS_ID}"', AWS_ID),
        ("aws-secret-access-key", f"aws_secret_access_key = {AWS_SECRET}", AWS_SECRET),
        ("aws-secret-access-key", f'AWS_SECRET_KEY: "{AWS_SECRET}"', AWS_SECRET),
        ("github-token", f"GITHUB={GITHUB}", GITHUB),
        ("slack-token", f"curl -H 'Bearer {SLACK}'", SLACK),
        ("azure-storage-key", f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={STORAGE};", STORAGE),
        ("password", 'password = "tr0ub4dor&3xyz"', "tr0ub4dor&3xyz"),
        ("password", "'api_key': 'q9w8e7r6t5y4'", "q9w8e7r6t5y4"),
        ("private-key", PRIVATE_KEY, PRIVATE_KEY),
        ("private-key", PRIVATE_KEY.replace("RSA ", ""), PRIVATE_KEY.replace("RSA ", "")),
    ],
)
def test_finds_a_secret_and_gives_it_in_full(rule: str, text: str, match: str) -> None:
    """As QScanner does: whoever reads the inventory has to scrub it."""
    (secret,) = find_secrets(f"first line\n{text}\n".encode(), "config/app.py")
    assert (secret.rule.id, secret.match, secret.path, secret.line) == (rule, match, "config/app.py", 2)


@pytest.mark.parametrize(
    "text",
    [
        'password = "changeme"',
        'password = "aaaaaaaaaaaa"',
        'password = "${DB_PASSWORD}"',
        'password = "short"',
        "password = os.environ['PASSWORD']",
        "an AKIA word",
        "X" + AWS_ID,
        "aws secret = " + "a" * 40,
        "-----BEGIN RSA PRIVATE KEY-----\nshort\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}-----END EC PRIVATE KEY-----",
        f"-----BEGIN PUBLIC KEY-----\n{BODY}-----END PUBLIC KEY-----",
        "",
    ],
)
def test_takes_no_placeholder_for_a_secret(text: str) -> None:
    """Words, variables, and what is too short or too regular."""
    assert find_secrets(text.encode(), "a") == []


def test_looks_only_into_text() -> None:
    """A NUL byte near the beginning marks a binary file, as for git."""
    assert find_secrets(b"\x00" + AWS_ID.encode(), "a") == []


def test_reports_a_stretch_of_text_once() -> None:
    """By the first rule that fits; the same line may hold several."""
    found = find_secrets(f'token = "{GITHUB}" or {AWS_ID} or "{GITHUB}"'.encode(), "a")
    assert sorted(secret.rule.id for secret in found) == ["aws-access-key-id", "github-token"]


def test_orders_findings_by_line() -> None:
    """Private keys, which span lines, among the others."""
    found = find_secrets(f"{AWS_ID}\n{PRIVATE_KEY}\n{SLACK}".encode(), "a")
    assert [secret.rule.id for secret in found] == ["aws-access-key-id", "private-key", "slack-token"]


@given(st.binary(max_size=500), st.integers(0, 2**32))
def test_a_key_is_found_in_any_text(surroundings: bytes, seed: int) -> None:
    """Whatever stands on the lines around it, and whichever key it is."""
    key = "AKIA" + "".join(random.Random(seed).choices(string.ascii_uppercase + "234567", k=16))
    text = surroundings.replace(b"\x00", b"") + b"\n" + key.encode() + b"\n" + surroundings.replace(b"\x00", b"")
    assert key in {secret.match for secret in find_secrets(text, "a")}
