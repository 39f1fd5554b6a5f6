"""The bill of materials of the scanner image."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pydantic
import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from scanner import image_sbom

LISTED = "git\t1:2.39.5-0+deb12u3\tamd64\nlibstdc++6\t12.2.0-14\tamd64\n"


@pytest.fixture
def bill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a bill, on an image whose dpkg knows two packages."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=LISTED))
    for name, value in {"VERSION": "0.1.0", "QSCANNER_VERSION": "4.6.0", "QSCANNER_SHA256": "AB" * 32}.items():
        monkeypatch.setenv(name, value)
    target = tmp_path / "share" / "sbom.spdx.json"
    assert image_sbom.main([str(Path(pydantic.__file__).parents[1]), str(target)]) == 0
    return target


def test_it_is_spdx(bill: Path) -> None:
    """By the reference library's own rules."""
    assert validate_full_spdx_document(parse_file(str(bill)), "SPDX-2.3") == []


def test_it_names_what_is_in_the_image(bill: Path) -> None:
    """Scangate, QScanner with its sum, Python, Debian's and Python's packages, with addresses that tools know."""
    found = {package["name"]: package for package in json.loads(bill.read_text())["packages"]}
    assert found["qscanner"]["versionInfo"] == "4.6.0"
    assert found["qscanner"]["checksums"] == [{"algorithm": "SHA256", "checksumValue": "ab" * 32}]
    assert found["scangate-worker"]["versionInfo"] == "0.1.0"
    urls = {
        name: reference["referenceLocator"]
        for name, package in found.items()
        for reference in package.get("externalRefs", ())
    }
    assert urls["git"] == "pkg:deb/debian/git@1%3A2.39.5-0%2Bdeb12u3?arch=amd64"
    assert urls["libstdc++6"].startswith("pkg:deb/debian/libstdc%2B%2B6@")
    assert urls["pydantic"] == f"pkg:pypi/pydantic@{version('pydantic')}"
