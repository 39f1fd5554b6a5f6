"""``-ScanResult.json``: packages and secrets, no vulnerabilities.

The names of its keys are of the stand-in: no public source shows them. What is known is what the file holds.
"""

from typing import Any

from local.qscanner.image_facts import ImageFacts
from local.qscanner.outputs.clock import utc
from local.qscanner.packages import Package
from local.qscanner.scan_result import ScanResult
from local.qscanner.secret_rules import Secret
from local.qscanner.version import NAME, NOTICE, current_version


def inventory(result: ScanResult) -> dict[str, Any]:
    """Give the inventory of a scan; as in QScanner's own, each secret stands in it in full."""
    document: dict[str, Any] = {
        "metadata": {
            "scanner": NAME,
            "scannerVersion": current_version(),
            "notice": NOTICE,
            "scanTime": utc(result.started),
            "target": result.target,
            "targetType": result.kind,
            "targetId": result.prefix,
            "operatingSystem": result.operating_system,
            "repository": {"origin": result.git.origin, "branch": result.git.branch, "commit": result.git.commit},
            **({"image": _image(result.image)} if result.image else {}),
        },
        "packages": [
            {
                "type": package.ecosystem.value,
                "name": package.name,
                "version": package.version,
                "path": package.path,
                "purl": package.purl,
                "license": package.licence or None,
                **_of_a_system(package),
            }
            for package in result.packages
        ],
    }
    if result.looked_for_secrets:
        document["secrets"] = [_secret(secret) for secret in result.secrets]
    return document


def _of_a_system(package: Package) -> dict[str, str]:
    """Give what only packages of a distribution or an image have."""
    values = {
        "distribution": package.distribution,
        "source": package.source,
        "sourceVersion": package.source_version,
        "architecture": package.architecture,
        "layer": package.layer,
    }
    return {key: value for key, value in values.items() if value}


def _image(image: ImageFacts) -> dict[str, Any]:
    return {
        "imageId": image.image_id,
        "imageDigest": f"sha256:{image.digest}",
        "imageName": image.name,
        "repoTags": image.repo_tags,
        "repoDigests": image.repo_digests,
        "platform": image.platform,
        "layers": [
            {"diffId": layer.diff_id, "digest": layer.digest, "size": layer.size, "command": layer.command}
            for layer in image.layers
        ],
    }


def _secret(secret: Secret) -> dict[str, Any]:
    return {
        "ruleId": secret.rule.id,
        "title": secret.rule.title,
        "severity": secret.rule.severity,
        "path": secret.path,
        "startLine": secret.line,
        "endLine": secret.line + secret.match.count("\n"),
        "match": secret.match,
        **({"layer": secret.layer} if secret.layer else {}),
    }
