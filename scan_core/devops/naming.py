"""Names that go into a request or a message: an organisation's URL, a branch, a path."""

from urllib.parse import quote, urlsplit

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.model.ids import BranchRef

_BRANCH_PREFIX = "refs/heads/"


def plain_url(url: str) -> str:
    """Take a URL that stands for one organisation and holds nothing else: no credentials, query or placeholders.

    Args:
        url: The URL as configured.

    Returns:
        The URL without a slash at its end.

    Raises:
        ValueError: It is not such a URL. The message does not repeat it.
    """
    parts = urlsplit(url)
    plain = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not plain or parts.query or parts.fragment or "{" in url or "}" in url:
        raise ValueError(
            "an organisation's URL such as https://dev.azure.com/contoso is wanted, and something else given"
        )
    return url.rstrip("/")


def branch_name(branch: BranchRef, doing: str) -> str:
    """Encode a branch's name for a query, which the SDK leaves out for version descriptors.

    Args:
        branch: The branch's full name, such as ``refs/heads/main``.
        doing: What is being done, in words for an error.

    Returns:
        The short name, percent-encoded.

    Raises:
        DevOpsError: REJECTED, for what is not the full name of a branch.
    """
    if not branch.startswith(_BRANCH_PREFIX) or branch == _BRANCH_PREFIX or not is_unicode(branch):
        raise DevOpsError(DevOpsErrorKind.REJECTED, f"{doing}: that is not the full name of a branch")
    return quote(branch.removeprefix(_BRANCH_PREFIX), safe="")


def is_unicode(text: str) -> bool:
    """Whether a text can be sent: JSON can bring halves of surrogate pairs, UTF-8 cannot take them.

    Args:
        text: Any text.

    Returns:
        Whether it can be encoded.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str) -> str:
    """Make a stranger's name fit for an error's sentence.

    Args:
        name: A path or a branch, which may hold anything.

    Returns:
        At most 80 printable characters.
    """
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:80]
