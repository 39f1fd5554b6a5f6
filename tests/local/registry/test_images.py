"""Images made from descriptions: the bytes, and what a scanner finds in them."""

import gzip
import io
import json
import tarfile
from typing import Any

import pytest

from local.registry.alpine import ALPINE_3_17_6, INSTALLED, alpine_image, apk_upgrade
from local.registry.applications import (
    SITE_PACKAGES,
    node_application,
    planted_secret,
    python_application,
    removal,
    secret_layer,
)
from local.registry.debian import (
    BOOKWORM_12_1,
    BOOKWORM_12_8,
    BULLSEYE_11_4,
    BULLSEYE_11_7,
    STATUS,
    ZLIB_WITHOUT_FIX,
    apt_remove,
    apt_upgrade,
    debian_image,
    distroless_image,
)
from local.registry.images import AMD64, ARM64, Image, attestation, build, build_index
from local.registry.layers import Layer
from tests.local.registry.driver import digest


def layers(image: Image) -> list[tarfile.TarFile]:
    """Open an image's layers as a client would."""
    built = build(image)
    manifest = json.loads(built.manifest)
    return [tarfile.open(fileobj=io.BytesIO(gzip.decompress(built.blobs[one["digest"]]))) for one in manifest["layers"]]


def read(layer: tarfile.TarFile, path: str) -> str:
    """Read a file of a layer."""
    file = layer.extractfile(path)
    assert file is not None
    return file.read().decode()


def packages(status: str) -> dict[str, dict[str, str]]:
    """Read dpkg's database as its manual describes it."""
    found = {}
    for paragraph in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if line and not line.startswith(" "))
        found[fields["Package"]] = fields
    return found


@pytest.mark.parametrize("docker", [False, True])
def test_every_digest_and_size_is_true(docker: bool) -> None:
    """Of configuration, layers, and layers before compression; history and layers agree."""
    image = debian_image().then(node_application({"lodash": "4.17.20"}), secret_layer())
    built = build(image, docker=docker)
    manifest = json.loads(built.manifest)
    for one in (manifest["config"], *manifest["layers"]):
        assert digest(built.blobs[one["digest"]]) == one["digest"]
        assert len(built.blobs[one["digest"]]) == one["size"]
        assert ("docker" in one["mediaType"]) is docker
    config = json.loads(built.blobs[manifest["config"]["digest"]])
    unpacked = [digest(gzip.decompress(built.blobs[one["digest"]])) for one in manifest["layers"]]
    assert config["rootfs"]["diff_ids"] == unpacked
    assert len([entry for entry in config["history"] if not entry.get("empty_layer")]) == len(unpacked)
    assert all(entry["created_by"] for entry in config["history"])
    assert (manifest["mediaType"], built.digest) == (built.media_type, digest(built.manifest))


def test_the_same_description_gives_the_same_bytes() -> None:
    """Whatever the order in which files were named, and whenever it is built."""
    one = Layer("x", {"a/b": b"1", "c": b"2"}, {"d": "c"}, removed=("e/f",), emptied=("g",))
    other = Layer("x", {"c": b"2", "a/b": b"1"}, {"d": "c"}, removed=("e/f",), emptied=("g",))
    assert build(Image((one,))).digest == build(Image((other,))).digest
    assert build(Image((one,))).digest != build(Image((one,), ARM64)).digest
    assert build(Image((one,), labels={"a": "b"})).digest != build(Image((one,))).digest


def test_a_layer_says_what_is_gone() -> None:
    """By whiteouts, with every folder before what is in it."""
    (layer,) = layers(Image((Layer("x", {"a/b/c": b"1"}, removed=("a/old", "top"), emptied=("d",)),)))
    assert layer.getnames() == [".wh.top", "a", "a/.wh.old", "a/b", "a/b/c", "d", "d/.wh..wh..opq"]
    assert all(member.mtime == 0 and member.uid == 0 for member in layer.getmembers())


def test_debian_is_what_it_says() -> None:
    """Its release, its database and a library for its architecture."""
    (base,) = layers(debian_image(platform=ARM64))
    assert 'VERSION_ID="12"' in read(base, "etc/os-release")
    assert read(base, "etc/debian_version") == "12.1\n"
    found = packages(read(base, STATUS))
    assert len(found) == len(BOOKWORM_12_1.packages)
    assert found["libssl3"]["Version"] == "3.0.9-1"
    assert found["libssl3"]["Source"] == "openssl"
    assert found["libssl3"]["Status"] == "install ok installed"
    assert (found["libssl3"]["Architecture"], found["adduser"]["Architecture"]) == ("arm64", "all")
    more = BOOKWORM_12_1.with_packages(ZLIB_WITHOUT_FIX)
    assert "zlib1g" in packages(read(layers(debian_image(more))[0], STATUS))
    assert base.getmember("usr/lib/aarch64-linux-gnu/libssl.so.3").isfile()


def test_the_rebuild_has_what_fixes_it() -> None:
    """Both releases of both distributions."""
    for before, after in ((BOOKWORM_12_1, BOOKWORM_12_8), (BULLSEYE_11_4, BULLSEYE_11_7)):
        old, new = (packages(read(layers(debian_image(one))[0], STATUS)) for one in (before, after))
        changed = {name for name in old if old[name]["Version"] != new[name]["Version"]}
        assert {"openssl", "libc6", "base-files"} <= changed
        assert len(changed) < len(old)


def test_an_upgrade_replaces_the_database() -> None:
    """And only the files of what changed."""
    _, upgrade = layers(debian_image().then(apt_upgrade(BOOKWORM_12_1, BOOKWORM_12_8)))
    assert packages(read(upgrade, STATUS))["libssl3"]["Version"] == "3.0.15-1~deb12u1"
    names = upgrade.getnames()
    assert "usr/lib/x86_64-linux-gnu/libssl.so.3" in names
    assert "usr/share/doc/bash/copyright" not in names
    assert "var/lib/dpkg/.wh.available" in names


def test_a_removal_leaves_whiteouts() -> None:
    """For each file of the packages, which the database no longer has."""
    _, gone = layers(debian_image().then(apt_remove(BOOKWORM_12_1, ("libcurl4", "curl"))))
    assert not {"libcurl4", "curl"} & packages(read(gone, STATUS)).keys()
    assert "usr/lib/x86_64-linux-gnu/.wh.libcurl.so.4" in gone.getnames()
    assert "var/lib/dpkg/info/.wh.libcurl4:amd64.list" in gone.getnames()
    (removed,) = layers(Image((removal("app/.env"),)))
    assert removed.getnames() == ["app", "app/.wh..env"]


def test_distroless_has_a_file_for_each_package() -> None:
    """And no database of them all."""
    (layer,) = layers(distroless_image())
    names = layer.getnames()
    assert STATUS not in names
    assert "Version: 3.0.9-1" in read(layer, "var/lib/dpkg/status.d/libssl3")
    assert "Status:" not in read(layer, "var/lib/dpkg/status.d/libssl3")
    assert "var/lib/dpkg/status.d/bash" not in names


def test_alpine_is_what_it_says() -> None:
    """Before and after its upgrade."""
    base, upgrade = layers(alpine_image(platform=ARM64).then(apk_upgrade(ALPINE_3_17_6, ARM64)))
    assert read(base, "etc/alpine-release") == "3.17.0\n"
    assert "VERSION_ID=3.17.0" in read(base, "etc/os-release")
    old, new = read(base, INSTALLED), read(upgrade, INSTALLED)
    assert "P:libssl3\nV:3.0.7-r0\nA:aarch64\n" in old
    assert "P:libssl3\nV:3.0.12-r1\nA:aarch64\n" in new
    assert old.count("\n\n") == new.count("\n\n") == 6


def test_applications_bring_what_they_depend_on() -> None:
    """In lock files, and as it is installed."""
    image = Image((node_application({"@scope/a": "1.0.0"}), python_application({"jinja2": "2.10"})))
    node, python = layers(image)
    lock: dict[str, Any] = json.loads(read(node, "app/package-lock.json"))
    assert lock["packages"]["node_modules/@scope/a"]["version"] == "1.0.0"
    assert json.loads(read(node, "app/node_modules/@scope/a/package.json"))["name"] == "@scope/a"
    assert "Name: jinja2\nVersion: 2.10\n" in read(python, f"{SITE_PACKAGES}/jinja2-2.10.dist-info/METADATA")
    assert read(python, "app/requirements.txt") == "jinja2==2.10\n"


def test_a_secret_is_planted() -> None:
    """One that opens nothing."""
    (default,) = layers(Image((secret_layer(),)))
    (own,) = layers(Image((secret_layer("mine", "root/.netrc"),)))
    assert planted_secret() in read(default, "app/.env")
    assert planted_secret() != planted_secret("another")
    assert "mine" in read(own, "root/.netrc")


@pytest.mark.parametrize("docker", [False, True])
def test_an_index_names_its_platforms(docker: bool) -> None:
    """And what else BuildKit puts there."""
    first, second = (build(debian_image(platform=platform), docker=docker) for platform in (AMD64, ARM64))
    index = build_index([first, second, attestation(first)], docker=docker)
    document = json.loads(index.manifest)
    platforms = [one["platform"] for one in document["manifests"]]
    assert platforms == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm64", "variant": "v8"},
        {"os": "unknown", "architecture": "unknown"},
    ]
    assert [one["digest"] for one in document["manifests"]] == [part.digest for part in index.parts]
    says = document["manifests"][2]["annotations"]
    assert says["vnd.docker.reference.digest"] == first.digest
    assert (str(AMD64), str(ARM64)) == ("linux/amd64", "linux/arm64/v8")
