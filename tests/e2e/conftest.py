"""Two stacks for each process of the test run: one that nobody breaks, and one to be broken."""

from collections.abc import Iterator

import pytest

from tests.e2e.site import Site, opened_site


@pytest.fixture(scope="session")
def whole_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run one stack for all tests of this process that leave its processes alone."""
    limits = {
        "SCANGATE_MAX_ATTEMPTS": "2",
        "SCANGATE_REPOSITORY_LIMIT_BYTES": "2000000",
        "SCANGATE_REPOSITORY_LIMIT_FILES": "300",
    }
    with opened_site(tmp_path_factory.mktemp("site"), **limits) as site:
        yield site


@pytest.fixture
def site(whole_site: Site) -> Iterator[Site]:
    """Give a test the stack without faults."""
    whole_site.mend()
    yield whole_site
    whole_site.simulate("DELETE", "faults")


@pytest.fixture(scope="session")
def brittle_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run one stack for all tests of this process that kill parts of it."""
    with opened_site(tmp_path_factory.mktemp("brittle"), SCANGATE_HEARTBEAT_LIMIT_SECONDS="4") as site:
        yield site


@pytest.fixture
def breakable(brittle_site: Site) -> Site:
    """Give a test a stack that it may break; whatever was broken before is mended."""
    brittle_site.mend()
    return brittle_site
