"""The parts of a worker that are told something and say something: no process, no network."""

import json
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from hypothesis import given
from hypothesis import strategies as some

from scan_core.model.attempt import AttemptErrorKind
from scan_core.model.ids import CommitSha
from scan_core.worker import credential, git_settings
from scan_core.worker.capped_log import CappedLog
from scan_core.worker.credential import NoToken, address_allowed
from scan_core.worker.environment import EnvironmentWrong, fetch_environment, scan_environment
from scan_core.worker.git_failures import failure_of
from scan_core.worker.stopping import CANCELLED, TOLD_TO_END, StopSign
from scan_core.worker.tree import TreeListing
from tests.worker.conftest import LIMITS

ORIGINS = ["https://dev.azure.com/contoso/", "http://127.0.0.1:8080/fabrikam"]
REGISTRIES = [{"organisation": "contoso", "url": "https://r", "password": "SECRET"}, {"url": "u"}]


class TestAddressAllowed:
    @pytest.mark.parametrize(
        "address",
        [
            "https://dev.azure.com/contoso/project/_git/repo",
            "https://dev.azure.com:443/contoso/p/_git/r",
            "https://dev.azure.com/contoso/Mein%20Projekt/_git/%C3%A4",
            "http://127.0.0.1:8080/fabrikam/p/_git/r",
            "http://127.0.0.1:8080/fabrikam",
        ],
    )
    def test_ours(self, address: str) -> None:
        """Addresses below an origin."""
        assert address_allowed(address, ORIGINS)

    @pytest.mark.parametrize(
        "address",
        [
            "https://dev.azure.com/contoso-evil/p/_git/r",
            "https://dev.azure.com/other/p",
            "https://dev.azure.com.evil.example/contoso/p",
            "https://evil.example/contoso/p",
            "http://dev.azure.com/contoso/p",
            "https://dev.azure.com:8443/contoso/p",
            "https://user@dev.azure.com/contoso/p",
            "https://dev.azure.com@evil.example/contoso/p",
            "https://dev.azure.com/contoso/../other/p",
            "https://dev.azure.com/contoso/%2e%2E/other/p",
            "https://dev.azure.com/contoso/..%2Fother/p",
            "https://dev.azure.com/contoso/p%5c..%5cq",
            "https://dev.azure.com\\@evil.example/contoso/p",
            "https://dev.azure.com/contoso/p?x=1",
            "https://dev.azure.com/contoso/p#x",
            "https://dev.azure.com/contoso/p\nHost: evil",
            "https://dev.azure.com/contoso/a b",
            "https://dev.azure.com/contoso/%0a",
            "https://dev.azure.com/contoso/%zz",
            "https://dev.azure.com:x/contoso/p",
            "ssh://dev.azure.com/contoso/p",
            "file:///contoso/p",
            "ext::sh -c id",
            "-u./x",
            "",
        ],
    )
    def test_not_ours(self, address: str) -> None:
        """Everything else, however alike it looks."""
        assert not address_allowed(address, ORIGINS)

    @given(some.text(), some.sampled_from(ORIGINS))
    def test_never_trips(self, text: str, origin: str) -> None:
        """Any text has an answer, with or without a good beginning."""
        address_allowed(text, ORIGINS)
        if address_allowed(origin + text, ORIGINS):
            assert not set(text) & set("@?#\\ \n")

    @given(some.text())
    def test_a_senseless_origin_allows_nothing(self, text: str) -> None:
        """A setting that is no address opens nothing."""
        if "://" not in text:
            assert not address_allowed("https://dev.azure.com/contoso/p", [text])


class TestIdentityToken:
    class Credential:
        """Gives a token, or refuses."""

        def __init__(self, refusal: Exception | None = None) -> None:
            self.refusal = refusal
            self.scopes: list[str] = []

        def get_token(self, scope: str) -> object:
            """As the real one."""
            self.scopes.append(scope)
            if self.refusal:
                raise self.refusal
            return type("Token", (), {"token": "TOKEN"})()

    def test_asks_for_the_right_resource(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Azure DevOps, storage and registries are three resources."""
        identity = self.Credential()
        monkeypatch.setattr(credential, "_credential", lambda _: identity)
        assert credential.devops_bearer(None) == "Bearer TOKEN"
        assert credential.storage_token(None) == "TOKEN"
        assert credential.registry_token(None, "https://containerregistry.azure.net/.default") == "TOKEN"
        assert identity.scopes == [
            "499b84ac-1321-427f-aa17-267ca6975798/.default",
            "https://storage.azure.com/.default",
            "https://containerregistry.azure.net/.default",
        ]

    def test_a_refusal_says_nothing_but_its_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The text of the library could hold what it was asked with."""
        refusing = self.Credential(ClientAuthenticationError("secret"))
        monkeypatch.setattr(credential, "_credential", lambda _: refusing)
        with pytest.raises(NoToken, match="ClientAuthenticationError") as caught:
            credential.storage_token("client-id")
        assert "secret" not in str(caught.value)

    def test_is_the_managed_one(self) -> None:
        """No other credential of the machine is tried."""
        assert type(credential._credential("id")).__name__ == "ManagedIdentityCredential"


class TestEnvironment:
    @pytest.fixture
    def fetch(self, tmp_path: Path) -> dict[str, str]:
        """A whole environment of the fetch step."""
        return {
            "SCANGATE_WORKER_DIR": str(tmp_path),
            "SCANGATE_EXECUTION": "e",
            "SCANGATE_ATTEMPTS_QUEUE": "http://127.0.0.1/a/q?sig=SECRET",
            "SCANGATE_DEVOPS_ORIGINS": json.dumps(ORIGINS),
            "SCANGATE_REGISTRIES": json.dumps(REGISTRIES),
            "SCANGATE_DEVOPS_PAT": "SECRET-PAT",
            "PATH": "/bin",
            "OTHER": "x",
        }

    @pytest.fixture
    def scan(self, tmp_path: Path) -> dict[str, str]:
        """A whole environment of the scan step."""
        return {
            "SCANGATE_WORKER_DIR": str(tmp_path),
            "CONTAINER_APP_JOB_EXECUTION_NAME": "job-1",
            "QUALYS_ACCESS_TOKEN": "SECRET-TOKEN",
        }

    def test_what_the_fetch_step_is_told(self, fetch: dict[str, str]) -> None:
        """Secrets are not shown where the settings are."""
        told = fetch_environment(fetch)
        assert told.origins == tuple(ORIGINS)
        assert told.inherited == {"PATH": "/bin"}
        assert [entry["url"] for entry in told.registries_of("contoso")] == ["https://r", "u"]
        assert [entry["url"] for entry in told.registries_of("fabrikam")] == ["u"]
        assert "SECRET" not in repr(told)

    @pytest.mark.parametrize("value", [None, "", "[]"])
    def test_registries_are_for_those_who_have_any(self, fetch: dict[str, str], value: str | None) -> None:
        """A worker for sources need not be told of any."""
        del fetch["SCANGATE_REGISTRIES"]
        told = fetch_environment(fetch if value is None else {**fetch, "SCANGATE_REGISTRIES": value})
        assert told.registries == ()

    def test_what_the_scan_step_is_told(self, scan: dict[str, str]) -> None:
        """Azure's own name of the execution counts as well; the scanner has a default."""
        told = scan_environment(scan)
        assert (told.execution, told.scanner, told.scanner_sha256) == ("job-1", "qscanner", None)
        assert "SECRET" not in repr(told)

    def test_an_address_is_enough_for_the_queue_in_azure(self, fetch: dict[str, str]) -> None:
        """Without a signature the identity is used, over https alone."""
        address = "https://account.queue.core.windows.net/scan-attempts"
        assert fetch_environment({**fetch, "SCANGATE_ATTEMPTS_QUEUE": address}).queue == address

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("SCANGATE_WORKER_DIR", None),
            ("SCANGATE_WORKER_DIR", "relative"),
            ("SCANGATE_WORKER_DIR", "/nowhere/at/all"),
            ("SCANGATE_EXECUTION", ""),
            ("SCANGATE_ATTEMPTS_QUEUE", None),
            ("SCANGATE_ATTEMPTS_QUEUE", "http://account/q"),
            ("SCANGATE_ATTEMPTS_QUEUE", "queue?sig=x"),
            ("SCANGATE_DEVOPS_ORIGINS", None),
            ("SCANGATE_DEVOPS_ORIGINS", "https://dev.azure.com/"),
            ("SCANGATE_DEVOPS_ORIGINS", "[]"),
            ("SCANGATE_DEVOPS_ORIGINS", "[1]"),
            ("SCANGATE_DEVOPS_ORIGINS", '{"a": 1}'),
            ("SCANGATE_REGISTRIES", "https://r"),
            ("SCANGATE_REGISTRIES", '["https://r"]'),
            ("SCANGATE_REGISTRIES", '{"url": "https://r"}'),
            ("SCANGATE_REGISTRIES", "[" * 100_000),
        ],
    )
    def test_what_is_wrong_is_named_in_one_line(self, fetch: dict[str, str], name: str, value: str | None) -> None:
        """The variable is named, its value is not shown."""
        del fetch[name]
        with pytest.raises(EnvironmentWrong, match=name) as caught:
            fetch_environment(fetch if value is None else {**fetch, name: value})
        assert "\n" not in str(caught.value)
        assert "SECRET" not in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("QUALYS_ACCESS_TOKEN", ""), ("SCANGATE_QSCANNER_SHA256", "abc"), ("SCANGATE_QSCANNER_SHA256", "g" * 64)],
    )
    def test_the_same_for_the_scan_step(self, scan: dict[str, str], name: str, value: str) -> None:
        """The variable is named."""
        with pytest.raises(EnvironmentWrong, match=name):
            scan_environment({**scan, name: value})


class TestCappedLog:
    @given(some.lists(some.binary(max_size=60), max_size=20), some.integers(1, 200))
    def test_keeps_everything_or_whole_lines_of_both_ends(self, chunks: list[bytes], most: int) -> None:
        """However it is cut into pieces."""
        log = CappedLog(most)
        for chunk in chunks:
            log.write(chunk)
        whole, content = b"".join(chunks), log.content()
        if content == whole:
            return
        first, _, last = content.partition("\n… ".encode())
        last = last.partition("…\n".encode())[2]
        assert len(first) + len(last) <= most + 1
        assert whole.startswith(first)
        assert whole.endswith(last)
        assert not first or first.endswith(b"\n")
        assert not last or whole[: len(whole) - len(last)].endswith(b"\n")

    @given(some.lists(some.binary(max_size=60), max_size=20))
    def test_keeps_everything_that_fits(self, chunks: list[bytes]) -> None:
        """Nothing is left out before it has to be."""
        log = CappedLog(20 * 60 * 2)
        for chunk in chunks:
            log.write(chunk)
        assert log.content() == b"".join(chunks)

    def test_says_how_much_is_missing(self) -> None:
        """The number is that of the bytes that are not there."""
        log = CappedLog(20)
        log.write(b"first\n" + b"x" * 1000 + b"\nlast\n")
        assert log.content() == "first\n\n… 1,001 bytes of the log were left out here …\nlast\n".encode()


class TestTreeListing:
    @given(some.integers(1, 40), some.data())
    def test_does_not_mind_how_the_list_is_cut(self, size: int, data: some.DataObject) -> None:
        """Pieces end anywhere, also within an entry."""
        entries = [b"100644 blob " + b"a" * 40 + b"%8d\tp%d" % (number, number) for number in range(size)]
        entries += [b"120000 blob " + b"b" * 40 + b"       3\tl\nk", b"160000 commit " + b"c" * 40 + b"       -\tm"]
        entries += [b"040000 tree " + b"d" * 40 + b"       -\td"]
        whole = b"".join(entry + b"\0" for entry in entries)
        cut = sorted(data.draw(some.lists(some.integers(0, len(whole)), max_size=5)))
        listing = TreeListing(LIMITS)
        for start, end in zip([0, *cut], [*cut, len(whole)], strict=True):
            listing.write(whole[start:end])
        assert listing.links == [b"l\nk"]
        assert (listing._files, listing._folders, listing._bytes) == (size + 1, 1, sum(range(size)) + 3)
        assert listing.problem is None

    def test_counts_no_further_than_the_limit(self) -> None:
        """What comes after the limit is not even read."""
        listing = TreeListing(LIMITS.model_copy(update={"repository_files": 1}))
        for _ in range(3):
            listing.write(b"100644 blob aa 1\tp\0" * 2)
        assert listing._files == 2
        assert listing.problem is not None


class TestGitFailures:
    @pytest.mark.parametrize(
        ("printed", "kind"),
        [
            ("fatal: remote error: upload-pack: not our ref abc", AttemptErrorKind.COMMIT_GONE),
            ("error: Server does not allow request for unadvertised object abc", AttemptErrorKind.COMMIT_GONE),
            ("remote: TF401035: The object 'abc' does not exist.", AttemptErrorKind.COMMIT_GONE),
            ("fatal: repository 'https://x/' not found", AttemptErrorKind.REPOSITORY_NOT_FOUND),
            ("remote: TF401019: The Git repository with name or identifier x", AttemptErrorKind.REPOSITORY_NOT_FOUND),
            ("fatal: Authentication failed for 'https://x/'", AttemptErrorKind.ACCESS_REFUSED),
            ("fatal: could not read Username for 'https://x'", AttemptErrorKind.ACCESS_REFUSED),
            ("fatal: unable to access 'https://x/': Could not resolve host: x", AttemptErrorKind.UNREACHABLE),
            ("error: RPC failed; curl 18 transfer closed", AttemptErrorKind.UNREACHABLE),
            ("fatal: the remote end hung up unexpectedly", AttemptErrorKind.UNREACHABLE),
            ("server certificate verification failed", AttemptErrorKind.UNREACHABLE),
            ("fatal: write error: No space left on device", AttemptErrorKind.FETCH_FAILED),
            ("something new", AttemptErrorKind.FETCH_FAILED),
            ("", AttemptErrorKind.FETCH_FAILED),
        ],
    )
    def test_each_complaint_has_its_meaning(self, printed: str, kind: AttemptErrorKind) -> None:
        """The wording of git and of Azure DevOps."""
        assert failure_of(printed, CommitSha("a" * 40)).kind is kind

    @given(some.text())
    def test_nothing_that_git_printed_is_repeated(self, printed: str) -> None:
        """Any text ends in one of a few fixed sentences."""
        sentence = failure_of(f"{printed} https://user:SECRET@host/", CommitSha("a" * 40)).sentence
        assert "SECRET" not in sentence


class TestGitSettings:
    def test_the_credential_is_for_one_address(self, tmp_path: Path) -> None:
        """It stands under that address, and in no other environment."""
        address = "https://dev.azure.com/contoso/p/_git/r"
        online = git_settings.fetch_environment(tmp_path, {}, address, "Bearer SECRET")
        holders = [name for name, value in online.items() if "SECRET" in value]
        assert len(holders) == 1
        assert online[holders[0].replace("VALUE", "KEY")] == f"http.{address}.extraHeader"
        assert "SECRET" not in str(git_settings.environment(tmp_path, {}))

    def test_one_protocol_is_allowed(self, tmp_path: Path) -> None:
        """That of the address, and only where something is fetched."""
        online = git_settings.fetch_environment(tmp_path, {}, "https://x/y", None)
        assert "protocol.https.allow" in online.values()
        assert "protocol.http.allow" not in online.values()
        assert "always" not in git_settings.environment(tmp_path, {}).values()


class TestStopSign:
    def test_the_first_reason_stays(self) -> None:
        """A step that stops for one reason does not change its mind."""
        stop = StopSign()
        stop.ask(CANCELLED)
        stop.ask(TOLD_TO_END)
        assert stop.reason is CANCELLED

    def test_a_clock_gives_a_reason_of_its_own(self) -> None:
        """Once its time is over, and not before."""
        assert StopSign().or_after(0, CANCELLED)() is CANCELLED
        assert StopSign().or_after(1000, CANCELLED)() is None
