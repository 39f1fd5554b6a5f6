"""What can go wrong in a call to Azure DevOps, and the error that it has to end in."""

import gzip
from dataclasses import dataclass, field

from scan_core.devops.errors import DevOpsErrorKind
from tests.devops.conftest import PAT
from tests.devops.strict_server import Answer, Line, chunked_reply, json_reply, page_reply, refusal_reply, reply

HOSTILE = f"see https://x.example/?token=1 \r\n\x1b[31mred\u202e {PAT} " + "long " * 500
GZIP = {"Content-Encoding": "gzip"}


@dataclass(frozen=True)
class Fault:
    answer: Answer
    kind: DevOpsErrorKind
    status: int | None = None
    type_key: str | None = None
    retry_after: float | None = None
    clocks: dict[str, float] = field(default_factory=dict)


def hang(line: Line) -> None:
    """Say nothing."""
    line.hang()


def reset(line: Line) -> None:
    """Reset the connection."""
    line.reset()


def leave(line: Line) -> None:
    """Close without a word."""


def send_half(line: Line) -> None:
    """Close in the middle of a body."""
    line.send(reply(200, b'{"count": 1, ', {"Content-Length": "1000"}))


def send_half_a_chunk(line: Line) -> None:
    """Close before the last chunk."""
    line.send(chunked_reply([b'{"count": 1, "value": []}'])[:-12])


def stall_within_the_body(line: Line) -> None:
    """Begin a body and say no more."""
    line.send(reply(200, b"{", {"Content-Length": "1000"}))
    line.hang()


def drip_the_head(line: Line) -> None:
    """Send header after header, each in time."""
    line.send(b"HTTP/1.1 200 OK\r\n")
    line.drip(b"X-Slow: yes\r\n", 0.02)


def drip_the_body(line: Line) -> None:
    """Send byte after byte, each in time."""
    line.send(reply(200, b"", {"Content-Length": "900"}))
    line.drip(b" ", 0.02)


def drip_a_body_without_end(line: Line) -> None:
    """Send bytes of a body whose end is that of the connection."""
    line.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}")
    line.drip(b" ", 0.02)


def send_garbage(line: Line) -> None:
    """Greet in another protocol."""
    line.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def flood_a_redirect(line: Line) -> None:
    """Send a redirect with a body that nobody should read."""
    line.send(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 900000000\r\n\r\n")
    line.drip(b"x" * 65536, 0.001)


K = DevOpsErrorKind
QUICK_READ = {"read_seconds": 0.2}
QUICK = {"total_seconds": 0.4}
FAULTS = {
    "200 with a sign-in page": Fault(page_reply(200), K.SIGNED_OUT, 200),
    "203 with a sign-in page": Fault(page_reply(203), K.SIGNED_OUT, 203),
    "203 with JSON": Fault(json_reply({}, 203), K.SIGNED_OUT, 203),
    "203 with a file": Fault(reply(203, b"x: 1", {"Content-Type": "application/octet-stream"}), K.SIGNED_OUT, 203),
    "302 to a sign-in page": Fault(page_reply(302, {"Location": "/_signin"}), K.SIGNED_OUT, 302),
    "307": Fault(reply(307, b"", {"Location": "http://127.0.0.1:1/"}), K.SIGNED_OUT, 307),
    "302 with a body without end": Fault(flood_a_redirect, K.SIGNED_OUT, 302),
    "401": Fault(page_reply(401, {"WWW-Authenticate": "Bearer"}), K.SIGNED_OUT, 401),
    "400": Fault(
        refusal_reply(400, "VssPropertyValidationException", "bad"), K.REJECTED, 400, "VssPropertyValidationException"
    ),
    "403": Fault(
        refusal_reply(403, "GitPullRequestStatusRejectedByPolicyException", HOSTILE),
        K.FORBIDDEN,
        403,
        "GitPullRequestStatusRejectedByPolicyException",
    ),
    "404": Fault(
        refusal_reply(404, "GitRepositoryNotFoundException", "TF401019"),
        K.NOT_FOUND,
        404,
        "GitRepositoryNotFoundException",
    ),
    "404 with a page": Fault(page_reply(404), K.NOT_FOUND, 404),
    "404 with a hostile type key": Fault(refusal_reply(404, "<b>\n", "x"), K.NOT_FOUND, 404),
    "408": Fault(reply(408), K.TIMED_OUT, 408),
    "409": Fault(refusal_reply(409, "GitRefUpdateException", "stale"), K.CONFLICT, 409, "GitRefUpdateException"),
    "410": Fault(reply(410), K.REJECTED, 410),
    "429": Fault(reply(429, b"", {"Retry-After": "7"}), K.THROTTLED, 429, retry_after=7.0),
    "429 that does not say how long": Fault(reply(429), K.THROTTLED, 429),
    "429 for ever": Fault(reply(429, b"", {"Retry-After": "1e300"}), K.THROTTLED, 429, retry_after=3600.0),
    "500": Fault(json_reply({"count": 1, "value": {"Message": "oops"}}, 500), K.UNAVAILABLE, 500),
    "502 with a page": Fault(page_reply(502), K.UNAVAILABLE, 502),
    "503": Fault(reply(503), K.UNAVAILABLE, 503),
    "503 with Retry-After": Fault(reply(503, b"", {"Retry-After": "3"}), K.THROTTLED, 503, retry_after=3.0),
    "an error with a body too large": Fault(reply(500, b"[" * 100_000), K.UNAVAILABLE, 500),
    "a status of no class": Fault(reply(700), K.MALFORMED, 700),
    "204": Fault(b"HTTP/1.1 204 No Content\r\n\r\n", K.MALFORMED, 204),
    "half a body": Fault(send_half, K.UNREACHABLE),
    "half a chunk": Fault(send_half_a_chunk, K.UNREACHABLE),
    "reset": Fault(reset, K.UNREACHABLE),
    "end without an answer": Fault(leave, K.UNREACHABLE),
    "another protocol": Fault(send_garbage, K.UNREACHABLE),
    "not gzip": Fault(reply(200, b"{}", GZIP), K.MALFORMED),
    "silence": Fault(hang, K.TIMED_OUT, clocks=QUICK_READ),
    "silence within the body": Fault(stall_within_the_body, K.TIMED_OUT, clocks=QUICK_READ),
    "a head without end": Fault(drip_the_head, K.TIMED_OUT, clocks=QUICK),
    "a body without end": Fault(drip_the_body, K.TIMED_OUT, clocks=QUICK),
    "a body without end or length": Fault(drip_a_body_without_end, K.TIMED_OUT, clocks=QUICK),
}
JSON_FAULTS = {
    "not JSON": Fault(reply(200, b'{"count":'), K.MALFORMED, 200),
    "empty": Fault(reply(200), K.MALFORMED, 200),
    "null": Fault(reply(200, b"null"), K.MALFORMED, 200),
    "a number": Fault(reply(200, b"7"), K.MALFORMED, 200),
    "another document": Fault(json_reply({"hello": "world"}), K.MALFORMED),
    "a list": Fault(reply(200, b"[]"), K.MALFORMED),
    "a list of texts": Fault(json_reply({"count": 1, "value": ["x"]}), K.MALFORMED),
    "a list that is none": Fault(json_reply({"count": 1, "value": {"x": 1}}), K.MALFORMED),
    "a count that is none": Fault(json_reply({"count": "many", "value": 3}), K.MALFORMED),
    "not UTF-8": Fault(reply(200, b'{"title": "\xff"}'), K.MALFORMED, 200),
    "too deep": Fault(reply(200, b"[" * 200_000 + b"]" * 200_000), K.MALFORMED, 200),
    "too deep for the SDK": Fault(reply(200, b'{"value":' + b'{"a":' * 1200 + b"1" + b"}" * 1201), K.MALFORMED),
    "too large": Fault(reply(200, gzip.compress(b" " * (17 * 1024 * 1024)), GZIP), K.MALFORMED, 200),
    "too large, announced": Fault(reply(200, b"{", {"Content-Length": str(17 * 1024 * 1024)}), K.MALFORMED, 200),
}
