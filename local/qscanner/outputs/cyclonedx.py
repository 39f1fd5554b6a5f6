"""``-ScanResult.cdx.json``: the packages as a CycloneDX 1.6 bill of materials (https://cyclonedx.org/docs/1.6/json/)."""

from hashlib import sha256
from typing import Any

from local.qscanner.outputs.clock import utc
from local.qscanner.outputs.licences import is_expression, is_identifier
from local.qscanner.packages import Package
from local.qscanner.scan_result import ScanResult
from local.qscanner.version import NAME, NOTICE, current_version


def cyclonedx(result: ScanResult) -> dict[str, Any]:
    """Give the bill of materials of a scan."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": _serial_number(f"{result.prefix} {result.started}"),
        "version": 1,
        "metadata": {
            "timestamp": utc(result.started),
            "tools": {
                "components": [
                    {"type": "application", "name": NAME, "version": current_version(), "description": NOTICE},
                ]
            },
            "component": {
                "type": "container" if result.image else "application",
                "bom-ref": "target",
                "name": result.name,
                "version": result.version,
            },
        },
        "components": [_component(package, number) for number, package in enumerate(result.packages, start=1)],
    }


def _component(package: Package, number: int) -> dict[str, Any]:
    group, name = package.group_and_name
    places = {"path": package.path, "layer": package.layer}
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"package-{number}",
        "name": name,
        "version": package.version,
        "purl": package.purl,
        "properties": [{"name": f"qscanner-stand-in:{key}", "value": value} for key, value in places.items() if value],
    }
    if group:
        component["group"] = group
    if package.licence:
        component["licenses"] = [_licence(package.licence)]
    return component


def _licence(licence: str) -> dict[str, Any]:
    if is_identifier(licence):
        return {"license": {"id": licence}}
    return {"expression": licence} if is_expression(licence) else {"license": {"name": licence}}


def _serial_number(seed: str) -> str:
    """Make a UUID of version 8 (RFC 9562: content of one's own) from a hash."""
    digits = sha256(seed.encode()).hexdigest()
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
