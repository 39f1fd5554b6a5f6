"""A simulator with a handful of projects."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.cli.organisation import Site, site_in


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run one simulator for all tests of a file."""
    with site_in(tmp_path_factory.mktemp("organisation")) as made:
        yield made


@pytest.fixture
def site(organisation: Site) -> Site:
    """Give an organisation with projects and nothing onboarded."""
    organisation.clear()
    return replace(organisation)


@pytest.fixture
def onboarded(site: Site) -> Site:
    """Give an organisation whose projects are onboarded."""
    site.onboard("--all")
    site.forget_calls()
    return site
