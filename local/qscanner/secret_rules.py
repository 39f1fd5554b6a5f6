"""Secrets planted in files. As QScanner does, a finding holds the match itself."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

MAX_FILE_BYTES = 1024 * 1024
_MAX_LINE = 8192
# A byte that text does not have, looked for at a file's beginning as git does.
_BINARY = b"\x00"
_BINARY_PROBE_BYTES = 8000
# Bits a character: words and placeholders stay below, random text of that length above.
_LEAST_ENTROPY = 3.0
_PLACEHOLDER = re.compile(r"(?i)example|change.?me|placeholder|your.|dummy|\$\{|\{\{|<[a-z_ -]+>|x{6}|\*{4}|%\(")


class SecretRule(NamedTuple):
    """A kind of secret and how it looks; group ``secret`` is the secret itself."""

    id: str
    title: str
    severity: str
    pattern: re.Pattern[str]
    must_look_random: bool = False


class Secret(NamedTuple):
    """One match, with the place it was found at (lines count from 1) and, in an image, the diff id of its layer."""

    rule: SecretRule
    path: str
    line: int
    match: str
    layer: str = ""


# Forms as the issuers document them: AWS access key ids, GitHub token prefixes, Slack token prefixes, PEM (RFC 7468),
# and the 64-byte base64 keys of Azure Storage connection strings.
RULES = (
    SecretRule(
        "aws-access-key-id",
        "AWS access key id",
        "CRITICAL",
        re.compile(r"(?<![A-Z0-9])(?P<secret>(?:AKIA|ASIA)[A-Z2-7]{16})(?![A-Z0-9])"),
    ),
    SecretRule(
        "aws-secret-access-key",
        "AWS secret access key",
        "CRITICAL",
        re.compile(r"(?i)aws.{0,20}?secret.{0,20}?[\"'\s:=]{1,6}(?P<secret>[a-z0-9/+]{40})(?![a-z0-9/+=])"),
        must_look_random=True,
    ),
    SecretRule(
        "github-token",
        "GitHub token",
        "CRITICAL",
        re.compile(r"(?<!\w)(?P<secret>gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{82})(?!\w)"),
    ),
    SecretRule(
        "slack-token",
        "Slack token",
        "HIGH",
        re.compile(r"(?<![A-Za-z0-9])(?P<secret>xox[abeprs]-[0-9A-Za-z-]{10,250})(?![A-Za-z0-9-])"),
    ),
    SecretRule(
        "azure-storage-key",
        "Azure Storage account key",
        "CRITICAL",
        re.compile(r"(?i)AccountKey\s{0,8}=\s{0,8}[\"']?(?P<secret>[a-z0-9+/]{86}==)"),
    ),
    SecretRule(
        "password",
        "Password in an assignment",
        "MEDIUM",
        re.compile(
            r"(?i)(?:password|passwd|secret|token|api_?key)[\"']?\s{0,8}[:=]{1,2}>?\s{0,8}"
            r"(?P<quote>[\"'])(?P<secret>[^\"'\s]{8,200})(?P=quote)"
        ),
        must_look_random=True,
    ),
)
_PRIVATE_KEY = SecretRule(
    "private-key",
    "Private key",
    "CRITICAL",
    re.compile(
        r"-----BEGIN (?P<kind>(?:[A-Z0-9]{1,12} ){0,3})PRIVATE KEY(?P<block>(?: BLOCK)?)-----"
        r"(?P<body>(?:(?!-----)(?s:.)){40,20000})-----END (?P=kind)PRIVATE KEY(?P=block)-----"
    ),
)


def find_secrets(content: bytes, path: str) -> list[Secret]:
    """Look for secrets in a file.

    Args:
        content: The file.
        path: Where it stands, relative to the scanned folder.

    Returns:
        The matches by line, each by the first rule that fits; none in a file that is not text.
    """
    if not is_text(content):
        return []
    text = content.decode("utf-8", errors="replace")
    found = list(_private_keys(text, path))
    for number, line in enumerate(text.splitlines(), start=1):
        found.extend(_in_line(line[:_MAX_LINE], number, path))
    return sorted(found, key=lambda secret: secret.line)


def is_text(content: bytes) -> bool:
    """Tell whether a file is searched for secrets: its beginning looks like text."""
    return _BINARY not in content[:_BINARY_PROBE_BYTES]


def _in_line(line: str, number: int, path: str) -> Iterator[Secret]:
    reported: set[str] = set()
    for rule in RULES:
        for match in rule.pattern.finditer(line):
            value = match["secret"]
            if value in reported or (rule.must_look_random and not _looks_random(value)):
                continue
            reported.add(value)
            yield Secret(rule, path, number, value)


def _private_keys(text: str, path: str) -> Iterator[Secret]:
    for match in _PRIVATE_KEY.pattern.finditer(text):
        yield Secret(_PRIVATE_KEY, path, text.count("\n", 0, match.start()) + 1, match[0])


def _looks_random(value: str) -> bool:
    """Tell random text from a word or a placeholder, by Shannon's entropy."""
    if _PLACEHOLDER.search(value):
        return False
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares) >= _LEAST_ENTROPY
