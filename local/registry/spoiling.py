"""What a fault makes of an answer. Pure."""

import json
from dataclasses import replace
from typing import Final

from local.registry.answers import Answer, json_answer
from local.registry.errors import CODE_BY_STATUS, Refused
from local.registry.faults import RegistryFault
from local.registry.manifests import LIMIT_BYTES
from local.registry.names import digest_of

_DIGEST: Final = "Docker-Content-Digest"
_CHALLENGE: Final = "WWW-Authenticate"
_SIGN_IN: Final = b"<!DOCTYPE html><html><head><title>Sign in to your account</title></head><body></body></html>"


def refusal(refused: Refused) -> Answer:
    """Return the answer to a call that is not carried out.

    Args:
        refused: why.
    """
    return json_answer(refused.body(), refused.status, refused.headers)


def instead(fault: RegistryFault) -> Answer:
    """Return what comes in place of an answer.

    Args:
        fault: of kind ``status``, ``sign_in`` or ``malformed``.
    """
    if fault.kind == "sign_in":
        return Answer(200, _SIGN_IN, {"Content-Type": "text/html; charset=utf-8"})
    if fault.kind == "malformed":
        return Answer(200, b'{"schemaVersion": 2, "layers": [', {"Content-Type": "application/json"})
    code = CODE_BY_STATUS.get(fault.status, "UNKNOWN")
    return refusal(Refused(fault.status, code, "a fault was asked for", headers=fault.retry_after))


def spoilt(fault: RegistryFault, answer: Answer, data_link: str) -> Answer:
    """Return what becomes of an answer.

    Args:
        fault: of a kind in ``UPON``; those that are about time and connections leave the answer as it is.
        answer: as it would be sent.
        data_link: where ``redirect`` leads when the fault does not say.

    Returns:
        What is sent.
    """
    if fault.kind == "realm":
        return _elsewhere(answer, fault.location)
    if not 200 <= answer.status < 300:
        return answer
    match fault.kind:
        case "redirect":
            return Answer(307, headers={"Location": fault.location or data_link})
        case "wrong_digest":
            return replace(answer, headers={**answer.headers, _DIGEST: digest_of(b"something else")})
        case "no_digest":
            return replace(answer, headers={name: value for name, value in answer.headers.items() if name != _DIGEST})
        case "wrong_content":
            return replace(answer, content=_other(answer.read()))
        case "oversize":
            return replace(answer, content=answer.read().ljust(LIMIT_BYTES + 1), length_known=False)
    return answer


def _elsewhere(answer: Answer, realm: str) -> Answer:
    """Name another place for tokens, where the answer names one."""
    challenge = answer.headers.get(_CHALLENGE)
    if challenge is None:
        return answer
    _, _, rest = challenge.partition(",")
    return replace(answer, headers={**answer.headers, _CHALLENGE: f'Bearer realm="{realm}",{rest}'})


def _other(content: bytes) -> bytes:
    """Change a content so that it still reads as JSON if it did, and keeps its length if it did not."""
    try:
        json.loads(content)
    except ValueError:
        return content[:-1] + bytes([content[-1] ^ 1]) if content else b"\0"
    return content + b"\n"
