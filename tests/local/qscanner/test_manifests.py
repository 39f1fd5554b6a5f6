"""Dependency files, read as their package managers read them."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.qscanner.manifests.golang import read_go_mod
from local.qscanner.manifests.maven import read_pom
from local.qscanner.manifests.npm import read_lock, read_manifest
from local.qscanner.manifests.pypi import read_requirements
from local.qscanner.manifests.xml_elements import read_xml
from local.qscanner.packages import Package

KEYS = st.sampled_from(["packages", "dependencies", "version", "node_modules/a", "license", "name"])
ANY_JSON = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each, max_size=4),
)


def reader(files: dict[str, str]) -> Callable[[str], bytes]:
    """A tree of texts."""

    def read(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(path)
        return files[path].encode()

    return read


def versions(packages: list[Package]) -> list[str]:
    """Name and version of each package."""
    return [f"{package.name} {package.version}" for package in packages]


def lock(document: object) -> list[str]:
    """Read a lock file's packages."""
    return versions(read_lock(json.dumps(document).encode(), "package-lock.json"))


class TestPackageLock:
    def test_reads_version_1_with_nested_packages(self) -> None:
        """Each level may install another version of the same package."""
        nested = {"b": {"version": "2.0.0", "dependencies": {"a": {"version": "1.0.1"}}}, "a": {"version": "1.0.0"}}
        assert lock({"lockfileVersion": 1, "dependencies": nested}) == ["a 1.0.0", "a 1.0.1", "b 2.0.0"]

    def test_reads_version_2_by_its_flat_map(self) -> None:
        """The older map, kept for older clients, is not read twice."""
        document = {"packages": {"node_modules/a": {"version": "1.0.0"}}, "dependencies": {"a": {"version": "9.9.9"}}}
        assert lock(document) == ["a 1.0.0"]

    def test_reads_version_3_with_scopes_nesting_aliases_and_workspaces(self) -> None:
        """The last node_modules names the package, unless the entry has a name of its own."""
        packages = {
            "": {"name": "root", "version": "1.0.0"},
            "packages/own": {"version": "1.0.0"},
            "node_modules/own": {"resolved": "packages/own", "link": True, "version": "1.0.0"},
            "node_modules/@scope/a": {"version": "1.0.0"},
            "node_modules/@scope/a/node_modules/b": {"version": "2.0.0-beta.1"},
            "node_modules/alias": {"name": "real", "version": "3.0.0"},
        }
        assert lock({"packages": packages}) == ["@scope/a 1.0.0", "b 2.0.0-beta.1", "real 3.0.0"]

    def test_resolves_aliases_of_version_1(self) -> None:
        """As in ``npm:real@1.0.0``."""
        entries = {"alias": {"version": "npm:@s/real@1.0.0"}, "broken": {"version": "npm:1.0.0"}}
        assert lock({"dependencies": entries}) == ["@s/real 1.0.0"]

    @pytest.mark.parametrize(
        "version", ["file:../x", "git+ssh://git@example.com/x.git#abc", "^1.0.0", "1.2", "", None, 7]
    )
    def test_leaves_out_what_has_no_version(self, version: object) -> None:
        """Folders, repositories and ranges cannot be looked up."""
        assert lock({"packages": {"node_modules/a": {"version": version}}, "lockfileVersion": 3}) == []

    def test_keeps_licences_in_both_forms(self) -> None:
        """A text today, an object in old packages."""
        entries = {
            "node_modules/a": {"version": "1.0.0", "license": "MIT"},
            "node_modules/b": {"version": "1.0.0", "license": {"type": "ISC"}},
            "node_modules/c": {"version": "1.0.0", "license": 5},
        }
        found = read_lock(json.dumps({"packages": entries}).encode(), "package-lock.json")
        assert [package.licence for package in found] == ["MIT", "ISC", ""]

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"{", b"\xff\xfe", b'{"a":' * 200_000, b'{"a": ' + b"1" * 5000 + b"}"]
    )
    def test_refuses_what_is_no_lock_file(self, content: bytes) -> None:
        """With a reason, and without falling over depth or numbers."""
        with pytest.raises(ValueError, match=r".+"):
            read_lock(content, "package-lock.json")

    def test_entries_of_the_wrong_type_are_passed_over(self) -> None:
        """One odd entry does not hide the others."""
        assert lock({"packages": {"node_modules/a": [], "node_modules/b": {"version": "1.0.0", "name": 4}}}) == []
        assert lock({"dependencies": {"a": "1.0.0", "b": {"version": "1.0.0"}}}) == ["b 1.0.0"]
        assert lock({"dependencies": []}) == []

    @given(ANY_JSON)
    def test_any_json_is_read_or_refused(self, document: object) -> None:
        """Hostile files end in packages or in ValueError, nothing else."""
        for read in (read_lock, read_manifest):
            try:
                read(json.dumps(document).encode(), "package-lock.json")
            except ValueError:
                assert not isinstance(document, dict)


class TestPackageJson:
    def test_takes_exact_pins_only(self) -> None:
        """What a range resolves to is not known without a lock."""
        document = {
            "name": "web",
            "version": "1.0.0",
            "dependencies": {"a": "1.0.0", "b": "^1.0.0", "c": "1", "d": "npm:real@=v2.0.0", "e": "latest"},
            "devDependencies": {"f": "=3.0.0"},
            "peerDependencies": {"g": "1.0.0"},
            "optionalDependencies": [],
        }
        found = read_manifest(b"\xef\xbb\xbf" + json.dumps(document).encode(), "package.json")
        assert versions(found) == ["a 1.0.0", "f 3.0.0", "real 2.0.0"]

    def test_an_installed_package_speaks_for_itself(self) -> None:
        """Inside node_modules the file says what is installed."""
        document = {"name": "lodash", "version": "4.17.11", "license": "MIT", "dependencies": {"a": "1.0.0"}}
        path = "node_modules/lodash/package.json"
        assert versions(read_manifest(json.dumps(document).encode(), path)) == ["lodash 4.17.11"]
        assert read_manifest(b"{}", path) == []


class TestRequirements:
    def test_reads_pins_with_extras_markers_hashes_and_comments(self) -> None:
        """Everything that pip allows beside a pin."""
        text = """
            # a comment
            PyYAML==5.3 ; python_version > "3.6"  # why
            requests[security,socks]==2.19.1 \\
                --hash=sha256:abcdef \\
                --hash=sha256:012345
            Zope.Interface===5.0.0
            six (==1.16.0)
            django==3.2.1,!=3.2.0
        """
        found, warnings = read_requirements("requirements.txt", reader({"requirements.txt": text}))
        assert versions(found) == [
            "django 3.2.1",
            "pyyaml 5.3",
            "requests 2.19.1",
            "six 1.16.0",
            "zope-interface 5.0.0",
        ]
        assert warnings == []

    @pytest.mark.parametrize(
        "line",
        [
            "flask",
            "flask>=1.0",
            "flask==1.*",
            "flask==1.0,==1.1",
            "flask @ https://example.com/flask-1.0.whl",
            "-e .",
            "--index-url x",
            "-c constraints.txt",
            "./local.whl",
            "flask==not a version",
            "flask==1.0.x",
            "a" * 5000 + "==1.0",
        ],
    )
    def test_leaves_out_what_is_no_pin(self, line: str) -> None:
        """What would be installed is not known from the file alone."""
        assert read_requirements("requirements.txt", reader({"requirements.txt": line})) == ([], [])

    def test_follows_includes_inside_the_tree_once(self) -> None:
        """Circles end; each package is named by the file it stands in."""
        files = {
            "app/requirements.txt": "-r more/dev.txt\na==1.0",
            "app/more/dev.txt": '--requirement="../requirements.txt"\n-r../base.txt\nb==2.0',
            "app/base.txt": "c==3.0",
        }
        found, warnings = read_requirements("app/requirements.txt", reader(files))
        assert [(package.name, package.path) for package in found] == [
            ("a", "app/requirements.txt"),
            ("b", "app/more/dev.txt"),
            ("c", "app/base.txt"),
        ]
        assert warnings == []

    def test_an_include_that_cannot_be_read_is_a_warning(self) -> None:
        """It may be made later, by the build."""
        found, warnings = read_requirements("requirements.txt", reader({"requirements.txt": "-r ../out.txt\na==1.0"}))
        assert versions(found) == ["a 1.0"]
        assert warnings == ["../out.txt, included by requirements.txt, cannot be read: ../out.txt"]

    def test_the_file_itself_must_be_readable(self) -> None:
        """Bytes that are no text are refused."""
        with pytest.raises(UnicodeDecodeError):
            read_requirements("requirements.txt", lambda _: b"\xff\xfe\xfa")

    @given(st.text(max_size=200))
    def test_any_text_is_read(self, text: str) -> None:
        """Hostile text does not stop the scan."""
        read_requirements("requirements.txt", reader({"requirements.txt": text.encode("utf-8", "replace").decode()}))


class TestGoMod:
    def test_reads_blocks_single_lines_and_indirect_modules(self) -> None:
        """All that end up in the build."""
        text = b"""
            module example.com/web // a comment
            go 1.21
            require github.com/gin-gonic/gin v1.6.3
            require (
                "golang.org/x/net" v0.7.0 // indirect
                golang.org/x/text v0.3.6
                golang.org/x/odd v1
            )
            exclude example.com/old v1.0.0
            retract v1.0.1
        """
        assert versions(read_go_mod(text, "go.mod")) == [
            "github.com/gin-gonic/gin v1.6.3",
            "golang.org/x/net v0.7.0",
            "golang.org/x/text v0.3.6",
        ]

    def test_follows_replacements(self) -> None:
        """By another module, of one version or of all; a folder cannot be looked up."""
        text = b"""
            require (
                example.com/a v1.0.0
                example.com/b v1.0.0
                example.com/c v1.0.0
                example.com/d v1.0.0
            )
            replace example.com/a => example.com/fork v1.2.0
            replace (
                example.com/b v1.0.0 => example.com/b v1.0.1
                example.com/c => ../c
                example.com/d v2.0.0 => ../d
            )
        """
        assert versions(read_go_mod(text, "go.mod")) == [
            "example.com/b v1.0.1",
            "example.com/d v1.0.0",
            "example.com/fork v1.2.0",
        ]

    @given(st.text(max_size=200))
    def test_any_text_is_read(self, text: str) -> None:
        """Hostile text does not stop the scan."""
        read_go_mod(text.encode("utf-8", "replace"), "go.mod")


POM = """<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <groupId>com.example</groupId><artifactId>web</artifactId><version>1.0</version>
  <properties><log4j>2.14.1</log4j><loop>${loop}</loop><log>${log4j}</log></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.yaml</groupId><artifactId>snakeyaml</artifactId><version>1.30</version></dependency>
    <dependency><groupId>a</groupId><artifactId>unused</artifactId><version>1</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>${log}</version></dependency>
    <dependency><groupId>org.yaml</groupId><artifactId>snakeyaml</artifactId></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>own</artifactId><version>${project.version}</version></dependency>
    <dependency><groupId>b</groupId><artifactId>exact</artifactId><version>[1.2]</version></dependency>
    <dependency><groupId>b</groupId><artifactId>range</artifactId><version>[1.0,2.0)</version></dependency>
    <dependency><groupId>b</groupId><artifactId>looping</artifactId><version>${loop}</version></dependency>
    <dependency><groupId>b</groupId><artifactId>unknown</artifactId><version>${nowhere}</version></dependency>
  </dependencies>
  <profiles><profile><dependencies>
    <dependency><groupId>c</groupId><artifactId>profile</artifactId><version>3</version></dependency>
  </dependencies></profile></profiles>
</project>"""


def child_pom(parent: str) -> str:
    """A pom with one dependency and a parent element's inside."""
    return (
        f"<project><parent>{parent}</parent><artifactId>child</artifactId><dependencies><dependency><groupId>org.yaml</groupId>"
        "<artifactId>snakeyaml</artifactId></dependency></dependencies></project>"
    )


class TestPom:
    def test_resolves_properties_managed_versions_and_profiles(self) -> None:
        """What one file settles; the rest is named in a warning."""
        found, warnings = read_pom("pom.xml", reader({"pom.xml": POM}))
        assert versions(found) == [
            "b:exact 1.2",
            "c:profile 3",
            "com.example:own 1.0",
            "org.apache.logging.log4j:log4j-core 2.14.1",
            "org.yaml:snakeyaml 1.30",
        ]
        assert [warning.split(" ")[4] for warning in warnings] == ["b:range", "b:looping", "b:unknown"]

    @pytest.mark.parametrize(
        ("path", "parent"),
        [
            ("child/pom.xml", "<version>1.0</version>"),
            ("a/b/pom.xml", "<version>1.0</version><relativePath>../..</relativePath>"),
            ("child/pom.xml", "<version>1.0</version><relativePath>../pom.xml</relativePath>"),
        ],
    )
    def test_inherits_from_a_parent_in_the_tree(self, path: str, parent: str) -> None:
        """Managed versions and dependencies come down."""
        found, _ = read_pom(path, reader({"pom.xml": POM, path: child_pom(parent)}))
        assert "org.yaml:snakeyaml 1.30" in versions(found)
        assert "c:profile 3" in versions(found)

    @pytest.mark.parametrize(
        "parent",
        [
            "<version>1</version>",
            "<version>1</version><relativePath/>",
            "<version>1</version><relativePath>pom.xml</relativePath>",
        ],
    )
    def test_a_parent_elsewhere_leaves_the_version_open(self, parent: str) -> None:
        """In a repository, nowhere, or the file itself."""
        found, warnings = read_pom("child/pom.xml", reader({"child/pom.xml": child_pom(parent)}))
        assert found == []
        assert len(warnings) == 1

    def test_properties_that_grow_are_given_up(self) -> None:
        """Substitution has a bound in steps and in length."""
        doubling = "".join(f"<p{n}>${{p{n + 1}}}${{p{n + 1}}}</p{n}>" for n in range(30)) + "<p30>aaaaaaaa</p30>"
        dependency = "<dependency><groupId>g</groupId><artifactId>a</artifactId><version>${p0}</version></dependency>"
        text = f"<project><properties>{doubling}</properties><dependencies>{dependency}</dependencies></project>"
        assert read_pom("pom.xml", reader({"pom.xml": text}))[0] == []
        long = (
            f"<project><properties><p>{'1' * 600}</p></properties><dependencies>{dependency}</dependencies></project>"
        )
        assert read_pom("pom.xml", reader({"pom.xml": long.replace("${p0}", "${p}")}))[0] == []

    @pytest.mark.parametrize(
        "text",
        [
            '<!DOCTYPE project [<!ENTITY a "b">]><project>&a;</project>',
            '<!DOCTYPE project SYSTEM "file:///etc/passwd"><project/>',
            "<project>",
            "",
            "<html/>",
            "<project>" * 100 + "</project>" * 100,
        ],
    )
    def test_refuses_what_is_no_pom_or_not_safe(self, text: str) -> None:
        """No document type is read, so no entity grows and no file is fetched."""
        with pytest.raises(ValueError, match=r".+"):
            read_pom("pom.xml", reader({"pom.xml": text}))

    def test_refuses_more_elements_than_any_pom_has(self) -> None:
        """Memory has a bound."""
        with pytest.raises(ValueError, match="too many"):
            read_xml(b"<a>" + b"<b/>" * 200_001 + b"</a>")
