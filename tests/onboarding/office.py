"""The desk that takes orders to onboard, with everything behind it."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scan_core.devops.administration import Administration
from scan_core.devops.identity import personal_access_token
from scan_core.intake.bearer import SigningKeys
from scan_core.model.ids import OrganisationName
from scan_core.onboarding import desk as subject
from scan_core.onboarding.desk import Desk
from scan_core.onboarding.order import Organisation
from scan_core.onboarding.patience import Patience
from scan_core.settings.deployment import Settings
from scan_core.store.connection import Storage
from scan_core.store.onboardings import OnboardingStore
from tests.cli.organisation import Site
from tests.onboarding.entra import CLIENT, TENANT, Entra


def settings_from(environment: dict[str, str | None]) -> Settings:
    """Read settings from these names and values; one that is None is set to nothing."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value or "")
        return Settings()


@dataclass
class Office:
    """A desk with an organisation, storage and Entra behind it, and a clock."""

    site: Site
    entra: Entra
    storage: Storage
    now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)
    audit: list[tuple[str, Any]] = field(default_factory=list)
    after_each: timedelta = timedelta()
    """How much time passes whenever somebody looks at the clock."""

    @property
    def desk(self) -> Desk:
        """The desk."""
        environment = self.site.environment(
            SCANGATE_ADMIN_TENANT_ID=TENANT,
            SCANGATE_ADMIN_CLIENT_ID=CLIENT,
            SCANGATE_ADMIN_AUTHORITY=self.entra.authority,
        )
        settings = settings_from(environment)
        return Desk(
            settings=settings,
            store=OnboardingStore(self.storage),
            keys=SigningKeys(self.entra.trust.keys_url),
            reach=lambda name: self._reached(settings, name),
            audit=self._note,
            now=self._tick,
        )

    def order(self, **body: Any) -> dict[str, Any]:
        """Order, as somebody who may."""
        answer = subject.receive(self.desk, self.entra.header(), json.dumps(body).encode())
        assert answer.status == 202, answer
        assert answer.headers["Location"] == f"/api/onboarding/{answer.body['id']}"
        return answer.body

    def look(self, name: object) -> dict[str, Any]:
        """Look how far it is."""
        answer = subject.show(self.desk, self.entra.header(), str(name))
        assert answer.status == 200
        return answer.body

    def messages(self) -> list[bytes]:
        """Take the visible messages out of the queue."""
        queue = self.storage.queues.get_queue_client("onboardings")
        found = list(queue.receive_messages())
        for message in found:
            queue.delete_message(message)
        return [base64.b64decode(message.content) for message in found]

    def work(self) -> int:
        """Serve the queue until it is empty; return the number of turns."""
        turns = 0
        while served := self.messages():
            for message in served:
                subject.work(self.desk, message)
                turns += 1
        return turns

    def _tick(self) -> datetime:
        self.now += self.after_each
        return self.now

    def _note(self, _: datetime, what: str, fields: Any) -> None:
        self.audit.append((what, fields))

    @contextmanager
    def _reached(self, settings: Settings, name: OrganisationName) -> Iterator[Organisation]:
        described = settings.organisations[name]
        administration = Administration(described.url, personal_access_token(self.site.token))
        patience = Patience(lambda: 0.0, lambda _: None, lambda _: None)
        yield Organisation(name, described, settings, administration, patience)
        administration.close()
