"""Images, pulled and scanned whole."""

import json
import lzma
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from local.qscanner.exit_codes import ExitCode
from tests.local.qscanner.checkouts import VULNERABLE_LOCK, Run, Scanner, write_tree
from tests.local.qscanner.debian import DEBIAN, LIBSSL, REPORT, debian_image, scan_image
from tests.local.qscanner.images import SmallRegistry, image, index, tar
from tests.local.qscanner.schemas import SARIF_VALIDATOR

INVENTORY = "-ScanResult.json"
AWS_ID = "AKIA" + "QWERTYUIOP234567"
ALPINE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.18.3\nPRETTY_NAME="Alpine Linux v3.18"\n'
BUSYBOX = "C:Q1x\nP:libcrypto3\nV:3.1.3-r0\nA:x86_64\nL:Apache-2.0\no:openssl\nF:lib\nR:libcrypto.so.3\nZ:Q1\n\n"


def software(run: Run) -> dict[tuple[str, str], dict[str, Any]]:
    """The vulnerable packages of a report, by QID's first CVE and name."""
    (report,) = run.document(REPORT)["runs"]
    cves = {rule["id"]: rule["properties"]["cve-ids"][0] for rule in report["tool"]["driver"]["rules"]}
    return {
        (cves[result["ruleId"]], each["name"]): each
        for result in report["results"]
        for each in result["properties"]["vulnerableSoftware"]
    }


class TestDebian:
    def test_each_package_names_the_layer_that_brought_it(self, scan: Scanner, registry: SmallRegistry) -> None:
        """The database is written by several layers; the packages of each are told apart."""
        pushed = debian_image()
        run = scan_image(scan, registry.push("1", pushed))
        assert run.code == ExitCode.SUCCESS
        layers = [diff_id.removeprefix("sha256:") for diff_id in pushed.diff_ids]
        found = software(run)
        assert found["CVE-2023-5363", "libssl3"] == {
            "name": "libssl3",
            "path": "var/lib/dpkg/status",
            "installedVersion": "3.0.9-1",
            "fixedVersion": "3.0.11-1~deb12u2",
            "layerSHA": layers[0],
        }
        assert found["CVE-2023-38545", "curl"]["layerSHA"] == layers[1]
        assert found["CVE-2019-10744", "lodash"]["layerSHA"] == layers[2]
        assert not {name for _, name in found} & {"openssh-client"}

    def test_the_report_names_the_image_by_everything_it_is_known_by(
        self, scan: Scanner, registry: SmallRegistry
    ) -> None:
        """As the public wrappers read it."""
        pushed = debian_image()
        reference = registry.push("1", pushed)
        run = scan_image(scan, reference)
        (report,) = run.document(REPORT)["runs"]
        properties = report["properties"]
        assert run.file(REPORT).name == f"{pushed.image_id}{REPORT}"
        assert properties["imageID"] == pushed.image_id
        assert properties["imageDigest"] == pushed.digest
        assert properties["imageName"] == f"{registry.name}/shop/web"
        assert properties["repoTags"] == []
        assert properties["os"] == "Debian GNU/Linux 12 (bookworm)"
        assert [layer["Command"] for layer in properties["layerInfo"]] == [
            "ADD rootfs.tar / # buildkit",
            "RUN apt-get install curl",
            "COPY . /app",
        ]
        (artifact,) = report["artifacts"]
        assert unquote(artifact["location"]["uri"]) == reference
        assert artifact["properties"]["imageID"] == pushed.image_id
        assert artifact["properties"]["repoDigest"] == reference
        assert "versionControlProvenance" not in report
        SARIF_VALIDATOR.validate(run.document(REPORT))

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_every_file_holds_to_its_schema(self, scan: Scanner, registry: SmallRegistry) -> None:
        """Inventory, SPDX, CycloneDX and reports, with the image as their subject."""
        pushed = debian_image()
        flags = ("--format", "json,spdx,cyclonedx,table", "--report-format", "sarif,json,table")
        run = scan_image(scan, registry.push("1", pushed), *flags, QSCANNER_STANDIN_XZ="1")
        inventory = run.document(INVENTORY)
        assert inventory["metadata"]["image"]["imageDigest"] == pushed.digest
        assert [layer["diffId"] for layer in inventory["metadata"]["image"]["layers"]] == [
            diff_id.removeprefix("sha256:") for diff_id in pushed.diff_ids
        ]
        (libssl,) = [package for package in inventory["packages"] if package["name"] == "libssl3"]
        assert libssl["purl"] == "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12"
        assert (libssl["source"], libssl["distribution"]) == ("openssl", "debian-12")
        document = run.document("-ScanResult.cdx.json")
        assert document["metadata"]["component"]["type"] == "container"
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
        assert validate_full_spdx_document(parse_file(str(run.file("-ScanResult.spdx.json"))), "SPDX-2.3") == []
        assert run.document("-Report.json")["vulnerabilities"][0]["layer"]
        assert lzma.decompress(run.file(f"{REPORT}.xz").read_bytes()) == run.file(REPORT).read_bytes()

    def test_a_tag_is_followed_to_what_it_names(self, scan: Scanner, registry: SmallRegistry) -> None:
        """And is among the image's names."""
        registry.push("v1.2", debian_image())
        run = scan_image(scan, f"{registry.name}/shop/web:v1.2")
        (report,) = run.document(REPORT)["runs"]
        assert report["properties"]["repoTags"] == [f"{registry.name}/shop/web:v1.2"]

    def test_a_whole_file_for_each_package_is_read_too(self, scan: Scanner, registry: SmallRegistry) -> None:
        """As images without dpkg keep them; their lists of checksums name no package."""
        files = {
            "usr/lib/os-release": DEBIAN,
            "var/lib/dpkg/status.d/libssl3": LIBSSL.replace("Status: install ok installed\n", ""),
            "var/lib/dpkg/status.d/libssl3.md5sums": "0 usr/lib/libssl.so.3\n",
        }
        run = scan_image(scan, registry.push("1", image(tar(dict(files)))))
        assert software(run)["CVE-2023-5363", "libssl3"]["path"] == "var/lib/dpkg/status.d/libssl3"

    def test_a_package_that_a_later_layer_updates_is_of_that_layer(
        self, scan: Scanner, registry: SmallRegistry
    ) -> None:
        """Its fixed version ends the finding."""
        base = tar({"usr/lib/os-release": DEBIAN, "var/lib/dpkg/status": LIBSSL})
        update = tar({"var/lib/dpkg/status": LIBSSL.replace("3.0.9-1", "3.0.19-1~deb12u2")})
        pushed = image(base, update)
        run = scan_image(scan, registry.push("1", pushed))
        assert software(run) == {}
        (package,) = run.document(INVENTORY)["packages"]
        assert f"sha256:{package['layer']}" == pushed.diff_ids[1]


class TestAlpine:
    @pytest.mark.parametrize("place", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
    def test_its_database_is_read(self, scan: Scanner, registry: SmallRegistry, place: str) -> None:
        """By the source package, at either place that apk has kept it."""
        pushed = image(tar({"etc/os-release": ALPINE, place: BUSYBOX}))
        run = scan_image(scan, registry.push("1", pushed))
        found = software(run)["CVE-2023-5363", "libcrypto3"]
        assert (found["path"], found["fixedVersion"]) == (place, "3.1.4-r0")
        (package,) = run.document(INVENTORY)["packages"]
        assert package["purl"] == "pkg:apk/alpine/libcrypto3@3.1.3-r0?arch=x86_64&distro=alpine-3.18"


class TestSoftware:
    def test_installed_packages_and_manifests_are_read(self, scan: Scanner, registry: SmallRegistry) -> None:
        """A package's own tests are not; pnpm's hard links are."""
        root = "app/node_modules"
        layer = tar(
            [
                (f"{root}/minimist/package.json", json.dumps({"name": "minimist", "version": "1.2.0"})),
                (f"{root}/@babel/core/package.json", json.dumps({"name": "@babel/core", "version": "7.1.0"})),
                (f"{root}/resolve/test/malformed/package.json", "{"),
                (f"{root}/linked/package.json", "=> store/1f/abcdef"),
                ("store/1f/abcdef", json.dumps({"name": "linked", "version": "3.0.0"})),
                (
                    "usr/lib/python3/PyYAML-5.3.dist-info/METADATA",
                    "Name: PyYAML\nVersion: 5.3\nLicense: MIT\n\nText: x\n",
                ),
                ("usr/lib/python3/odd.egg-info/PKG-INFO", "Name: odd\nVersion: one\n"),
                ("srv/requirements.txt", "-r requirements/base.txt\n"),
                ("srv/requirements/base.txt", "flask==2.2.0\n"),
            ]
        )
        run = scan_image(scan, registry.push("1", image(layer)), "--scan-types", "sca")
        packages = {each["name"]: each for each in run.document(INVENTORY)["packages"]}
        assert set(packages) == {"minimist", "@babel/core", "linked", "pyyaml", "flask"}
        assert packages["pyyaml"]["license"] == "MIT"
        assert packages["flask"]["path"] == "srv/requirements/base.txt"
        assert len({each["layer"] for each in packages.values()}) == 1

    def test_what_a_later_layer_removes_is_gone(self, scan: Scanner, registry: SmallRegistry) -> None:
        """By a whiteout, an opaque folder, or another file in its place."""
        lower = tar({f"{name}/package-lock.json": json.dumps(VULNERABLE_LOCK) for name in ("a", "b", "c", "d")})
        upper = tar(
            {
                "a/.wh.package-lock.json": b"",
                "b/package-lock.json": json.dumps({"lockfileVersion": 3, "packages": {}}),
                "b/.wh..wh..opq": b"",
                "c": b"a file now",
                ".wh.absent": b"",
            }
        )
        run = scan_image(scan, registry.push("1", image(lower, upper)), "--scan-types", "sca")
        assert {each["path"] for each in run.document(INVENTORY)["packages"]} == {"d/package-lock.json"}

    def test_a_manifest_that_cannot_be_understood_fails_the_scan(self, scan: Scanner, registry: SmallRegistry) -> None:
        """Code 13: leaving it out would look clean."""
        for name in ("app/package-lock.json", "x.dist-info/METADATA"):
            run = scan_image(scan, registry.push("1", image(tar({name: "{"}))), "--scan-types", "sca")
            assert run.code == ExitCode.SCA_FAILED

    def test_scan_types_are_respected(self, scan: Scanner, registry: SmallRegistry) -> None:
        """Only the system, only software."""
        reference = registry.push("1", debian_image())
        system = scan_image(scan, reference, "--scan-types", "os").document(INVENTORY)["packages"]
        assert {each["type"] for each in system} == {"deb"}
        others = scan_image(scan, reference, "--scan-types", "sca").document(INVENTORY)["packages"]
        assert {each["type"] for each in others} == {"npm"}


class TestSecrets:
    def test_are_found_in_texts_with_their_layer(self, scan: Scanner, registry: SmallRegistry) -> None:
        """Only where they are asked for; neither in binaries nor in large files."""
        pushed = image(
            tar({"bin/x": b"\0" + AWS_ID.encode(), "big": AWS_ID + "\n" * 1024 * 1024}),
            tar({"app/.env": f"KEY={AWS_ID}\n", "app/link": "-> .env"}),
        )
        reference = registry.push("1", pushed)
        run = scan_image(scan, reference, "--scan-types", "secret")
        (secret,) = run.document(INVENTORY)["secrets"]
        assert (secret["path"], secret["match"], f"sha256:{secret['layer']}") == (
            "app/.env",
            AWS_ID,
            pushed.diff_ids[1],
        )
        assert "secrets" not in scan_image(scan, reference).document(INVENTORY)


class TestPlatforms:
    @pytest.mark.parametrize("asked", ["linux/amd64", "linux/amd64/v1", "linux/x86_64"])
    def test_an_index_gives_the_image_of_the_platform(self, scan: Scanner, registry: SmallRegistry, asked: str) -> None:
        """The report names both the index that was asked for and the image."""
        chosen, other = debian_image(), debian_image(architecture="arm64")
        reference = registry.push("1", index(arm64=other, amd64=chosen), chosen, other)
        run = scan("image", reference, "--platform", asked)
        properties = run.document(REPORT)["runs"][0]["properties"]
        assert properties["imageDigest"] == chosen.digest
        assert properties["repoDigests"] == [reference, f"{registry.name}/shop/web@{chosen.digest}"]

    def test_a_platform_that_is_not_built_is_an_unreadable_image(self, scan: Scanner, registry: SmallRegistry) -> None:
        """Code 6, with what there is instead; for an index and for a single image."""
        only = debian_image()
        for reference in (registry.push("1", index(amd64=only), only), registry.push("2", only)):
            run = scan("image", reference, "--platform", "linux/arm64/v8")
            assert run.code == ExitCode.IMAGE_UNREADABLE
            assert "not built for linux/arm64" in run.stderr
            assert "linux/amd64" in run.stderr

    def test_images_for_windows_are_not_supported(self, scan: Scanner, registry: SmallRegistry) -> None:
        """Code 17."""
        reference = registry.push("1", image(tar({}), os="windows"))
        assert scan("image", reference, "--platform", "windows/amd64").code == ExitCode.OPERATING_SYSTEM_NOT_SUPPORTED


class TestSystems:
    def test_a_system_whose_packages_cannot_be_judged_is_not_supported(
        self, scan: Scanner, registry: SmallRegistry
    ) -> None:
        """Code 17: to pass it over would look clean."""
        reference = registry.push("1", image(tar({"etc/os-release": "ID=fedora\nPRETTY_NAME='Fedora 40'\n"})))
        run = scan_image(scan, reference)
        assert run.code == ExitCode.OPERATING_SYSTEM_NOT_SUPPORTED
        assert "Fedora 40 is not supported" in run.stderr

    def test_an_image_of_a_single_program_has_no_system(self, scan: Scanner, registry: SmallRegistry) -> None:
        """Which is an error only where nothing else was asked for: code 15."""
        reference = registry.push("1", image(tar({"program": b"\x7fELF"})))
        assert scan_image(scan, reference).code == ExitCode.SUCCESS
        assert scan_image(scan, reference, "--scan-types", "os").code == ExitCode.OPERATING_SYSTEM_NOT_FOUND

    def test_packages_without_a_system_are_an_error(self, scan: Scanner, registry: SmallRegistry) -> None:
        """Code 15: nobody can say whether they are affected."""
        reference = registry.push("1", image(tar({"var/lib/dpkg/status": LIBSSL})))
        assert scan_image(scan, reference).code == ExitCode.OPERATING_SYSTEM_NOT_FOUND

    def test_a_system_without_packages_is_named_in_the_log(self, scan: Scanner, registry: SmallRegistry) -> None:
        """It may have been taken out to save space."""
        run = scan_image(scan, registry.push("1", image(tar({"etc/os-release": DEBIAN}))))
        assert run.code == ExitCode.SUCCESS
        assert "no package database" in run.stderr

    @pytest.mark.parametrize(
        ("path", "content"),
        [
            ("var/lib/dpkg/status", "Version: 1\n"),
            ("var/lib/dpkg/status", "Package: x\nVersion: \n"),
            ("var/lib/dpkg/status", b"\xff"),
            ("lib/apk/db/installed", "V:1-r0\n"),
            ("lib/apk/db/installed", "P:x\nV:one\n"),
            ("lib/apk/db/installed", "odd\n\n\nP:x\n"),
        ],
    )
    def test_a_database_that_cannot_be_understood_fails_the_scan(
        self, scan: Scanner, registry: SmallRegistry, path: str, content: bytes | str
    ) -> None:
        """Code 12, with the path."""
        run = scan_image(scan, registry.push("1", image(tar({"etc/os-release": DEBIAN, path: content}))))
        assert run.code == ExitCode.OPERATING_SYSTEM_FAILED
        assert path in run.stderr

    def test_a_root_file_system_is_read_alike(self, scan: Scanner, tmp_path: Path) -> None:
        """Without layers."""
        root = write_tree(tmp_path / "root", {"usr/lib/os-release": DEBIAN, "var/lib/dpkg/status": LIBSSL})
        (root / "etc").mkdir()
        (root / "etc" / "os-release").symlink_to("../usr/lib/os-release")
        run = scan("rootfs", str(root))
        assert "layerSHA" not in software(run)["CVE-2023-5363", "libssl3"]
