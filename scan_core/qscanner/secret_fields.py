"""Which fields of a document hold a found secret, and the secrets that stand there. What is read here stays in memory.

The shape of QScanner's inventory is not documented, so within a list of secrets only fields known to be harmless are
let through, and everything else counts as the secret.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from scan_core.qscanner.fields import plain
from scan_core.qscanner.json_stream import JsonEvents, JsonUnreadable, Scalar

SHORTEST_SECRET = 6
"""Characters. A shorter match is blanked in its field only: replacing it everywhere would destroy documents."""

# Spelled as `plain` spells keys.
_MATCHES_ANYWHERE = frozenset({
    "match", "matched", "matchedtext", "matchedvalue", "matchvalue", "secretvalue", "secretmatch", "rawsecret",
    "plaintext", "snippet", "codesnippet", "linecontent", "password", "passwd", "passphrase", "accesstoken",
    "refreshtoken", "identitytoken", "authtoken", "bearertoken", "registrytoken", "registrypassword", "registryauth",
    "authorization", "apikey", "clientsecret", "privatekey", "auth", "auths", "registrycredential",
    "registrycredentials", "xregistryauth", "pulltoken", "dockerconfigjson", "dockercfg",
})  # fmt: skip
_MATCHES_AMONG_SECRETS = _MATCHES_ANYWHERE | {
    "secret", "secrets", "matches", "value", "values", "raw", "line", "lines", "code", "content", "text", "context",
    "data", "evidence", "excerpt", "finding", "token", "key", "credential", "credentials", "string", "source",
}  # fmt: skip
# A list under one of these holds entries as often as it holds texts, so only the texts directly in it are secrets.
_MAY_HOLD_ENTRIES = frozenset({"secret", "secrets", "matches", "values", "credentials"})
_HARMLESS_AMONG_SECRETS = frozenset({
    "type", "kind", "id", "ruleid", "rule", "rulename", "secrettype", "secrettypes", "category", "title", "name",
    "detector", "detectorname", "description", "severity", "confidence", "path", "file", "filename", "filepath",
    "target", "uri", "class", "status", "provider", "layer", "layersha", "layerdigest", "commit",
})  # fmt: skip

# Keys and fixed words of SARIF 2.1.0, SPDX 2.3, CycloneDX and QScanner's own files. A "secret" that is part of one of
# them is no secret, and hiding it everywhere would let planted text rewrite a report's structure.
_VOCABULARY = """
$schema version runs tool driver semanticVersion informationUri fullName organization rules results result ruleId
ruleIndex rule level message locations location physicalLocation artifactLocation logicalLocations region startLine
endLine startColumn endColumn uriBaseId originalUriBaseIds properties severity vulnerableSoftware installedVersion
fixedVersion layerSHA cve-ids cvssInfo cvss3Info baseScore shortDescription fullDescription helpUri
defaultConfiguration markdown artifacts invocations executionSuccessful versionControlProvenance revisionId
repositoryUri branch partialFingerprints imageID imageId imageDigest imageName repoTags repoDigest layerInfo
LayerContentHash Command operatingSystem osName osVersion error warning note critical medium informational package
packages dependencies description category component components spdxVersion SPDXID dataLicense documentNamespace
documentDescribes creationInfo creators created relationships relationshipType relatedSpdxElement spdxElementId
externalRefs referenceCategory referenceLocator referenceType PACKAGE-MANAGER PACKAGE_MANAGER SECURITY purl
DEPENDS_ON DESCRIBES CONTAINS licenseConcluded licenseDeclared copyrightText downloadLocation filesAnalyzed
versionInfo supplier originator NOASSERTION SPDXRef-DOCUMENT bomFormat CycloneDX specVersion serialNumber metadata
timestamp bom-ref bomref dependsOn licenses license expression vulnerabilities ratings affects library application
framework container hashes content secrets secretType https://json.schemastore.org/sarif-2.1.0.json
"""
_NOT_SECRET = re.compile(r"[0-9.]{1,11}|CVE-[0-9]{4}-[0-9]+|\*+|[xX]+", re.ASCII)
_QUOTED = re.compile(r"""["'`]([^"'`\s]{8,})["'`]""")
_ASSIGNED = re.compile(r"[:=]\s*([^\s\"'`,;]{8,})")
_SHORTEST_LINE = 16
_LONG_ENOUGH_UNSEEN = 16
MOST_SECRET_CHARACTERS = 200_000
"""More plaintext than this cannot be looked for in every file: every secret is searched in some thirty forms."""


class InventoryUnreadable(Exception):
    """An inventory cannot be read, so what it would have to hide is not known. `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Place(NamedTuple):
    """Where in a document a value stands, as far as it matters for hiding it.

    Attributes:
        key: The nearest key above, in its `plain` spelling.
        among_secrets: Whether a key above speaks of secrets.
        below_match: Whether everything here belongs to a secret's match.
    """

    key: str = ""
    among_secrets: bool = False
    below_match: bool = False

    def member(self, key: str) -> "Place":
        """Go down to a member of the object that stands here.

        Args:
            key: The member's key.

        Returns:
            The member's place.
        """
        spelled = plain(key)
        matches = _MATCHES_AMONG_SECRETS if self.among_secrets else _MATCHES_ANYWHERE
        below = self.below_match or (spelled in matches and spelled not in _MAY_HOLD_ENTRIES)
        return Place(spelled, self.among_secrets or "secret" in spelled, below)

    def hides(self, value: Scalar) -> bool:
        """Say whether a value that stands here must not be kept.

        Args:
            value: The scalar found here.

        Returns:
            True for a secret's match, and for any text among secrets that is not known to be harmless.
        """
        if isinstance(value, str):
            return self.below_match or (self.among_secrets and self.key not in _HARMLESS_AMONG_SECRETS)
        return value is not None and not isinstance(value, bool) and self._is_match

    @property
    def _is_match(self) -> bool:
        return self.key in (_MATCHES_AMONG_SECRETS - {"line", "lines"} if self.among_secrets else _MATCHES_ANYWHERE)

    def gives_away(self, value: str) -> bool:
        """Say whether a hidden value is surely, or looks like, a secret that may stand elsewhere too.

        Args:
            value: A text that this place hides.

        Returns:
            False for an undocumented field that holds an ordinary word.
        """
        return self.below_match or self._is_match or self.key in {"line", "lines"} or _looks_random(value)


def placed_events(stream: BinaryIO) -> Iterator[tuple[str, Scalar, Place]]:
    """Read a JSON document as events that know where they are.

    Args:
        stream: The document's bytes.

    Yields:
        Each event's name and value as `JsonEvents` gives them, and the place it belongs to.

    Raises:
        JsonUnreadable: The document is not one whole JSON value, or is built to hurt its reader.
    """
    events = JsonEvents(stream)
    place, above = Place(), [Place()]
    for name, value in events:
        if name == "map_key":
            place = above[-1].member(str(value))
        elif name in {"start_map", "start_array"}:
            above.append(place)
        elif name in {"end_map", "end_array"}:
            place = above.pop()
        yield name, value, place
        if name not in {"map_key", "start_map", "start_array"}:
            place = above[-1]


def secret_values(stream: BinaryIO) -> set[str]:
    """Collect the plaintext of the secrets that a document holds, to be scrubbed from everything else.

    A match may be a whole line such as ``password = "…"``; what is quoted or assigned in it is collected as well.

    Args:
        stream: An inventory; a SARIF report or any other JSON document will do.

    Returns:
        The texts that have to be hidden wherever they stand: neither short ones nor words of the file formats.

    Raises:
        InventoryUnreadable: The document is not whole JSON, or holds more than `MOST_SECRET_CHARACTERS`.
    """
    values: set[str] = set()
    try:
        for name, value, place in placed_events(stream):
            if name in {"string", "number"} and place.hides(value) and place.gives_away(str(value)):
                values |= _parts(str(value))
    except JsonUnreadable as error:
        raise InventoryUnreadable(f"The inventory {error}.") from error
    if sum(map(len, values)) > MOST_SECRET_CHARACTERS:
        raise InventoryUnreadable("The inventory holds more secrets than can be hidden; exclude the files with them.")
    return values


def _parts(match: str) -> set[str]:
    lines = [line.strip() for line in match.splitlines()]
    parts = {match, match.strip()}
    if len(lines) > 1:
        parts |= {line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----")}
    for line in lines:
        parts |= {part for part in _QUOTED.findall(line) + _ASSIGNED.findall(line) if _looks_random(part)}
    return {part for part in parts if is_worth_hiding(part)}


def is_worth_hiding(value: str) -> bool:
    """Say whether a match may be replaced wherever it stands.

    Args:
        value: A found secret's plaintext.

    Returns:
        False for short texts, plain numbers, masks, CVE ids and words of the file formats.
    """
    return len(value.strip()) >= SHORTEST_SECRET and value not in _VOCABULARY and not _NOT_SECRET.fullmatch(value)


def _looks_random(value: str) -> bool:
    if any(character.isspace() for character in value):
        return False
    mixed = any(character.isalpha() for character in value) and not value.isalpha()
    return (mixed and len(value) > SHORTEST_SECRET) or len(value) >= _LONG_ENOUGH_UNSEEN
