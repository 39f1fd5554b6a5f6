"""Does what was planned, project by project; each step may be the last one before an interruption."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from scan_core.devops.administration import Administration
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.hooks import SubscriptionId
from scan_core.devops.projects import Project
from scan_core.onboarding.patience import Patience
from scan_core.onboarding.plan import HookStep, PolicyStep, ProjectPlan, Step
from scan_core.onboarding.words import in_words

OUTAGES_IN_A_ROW: Final = 3
"""Projects that fail one after the other without an answer; then the others are not tried."""


@dataclass(frozen=True)
class Outcome:
    """How it went in one project."""

    project: Project
    done: tuple[Step, ...]
    problem: str | None = None
    cause: DevOpsError | None = None
    """What the problem says in words."""


def _nothing(_: SubscriptionId) -> None:
    """Let a subscription go."""


@dataclass(frozen=True)
class Hands:
    """What the steps are carried out with."""

    administration: Administration
    patience: Patience
    password: SecretStr
    before_it_goes: Callable[[SubscriptionId], None] = _nothing
    """Told of each subscription right before it is deleted, and with it whatever it has not delivered yet."""

    def carry_out(self, plans: Iterable[ProjectPlan]) -> Iterator[Outcome]:
        """Carry out plans. A failure ends its project and not the others.

        Args:
            plans: What to do.

        Yields:
            An outcome for each, as soon as it is known.

        Raises:
            DevOpsError: Nothing can be done any more: the credential is not accepted, or Azure DevOps does not answer.
        """
        silent = 0
        for plan in plans:
            done: list[Step] = []
            try:
                for step in plan.steps:
                    self._do(plan.project, step)
                    done.append(step)
            except DevOpsError as error:
                yield Outcome(plan.project, tuple(done), in_words(error), error)
                silent = silent + 1 if error.everywhere else 0
                if error.kind is DevOpsErrorKind.SIGNED_OUT or silent == OUTAGES_IN_A_ROW:
                    raise
            else:
                silent = 0
                yield Outcome(plan.project, tuple(done))

    def _do(self, project: Project, step: Step) -> None:
        if isinstance(step, HookStep):
            self._do_hook(step)
        else:
            self._do_policy(project, step)

    def _do_hook(self, step: HookStep) -> None:
        # The new one before the old one goes, so that no event falls in between; one that comes twice is harmless.
        # A change of one that Azure DevOps disabled would not bring it back to life.
        wanted, old = step.wanted, step.old
        if wanted is not None:
            self.patience.once(lambda: self.administration.create_subscription(wanted, self.password))
        if old is not None:
            self.before_it_goes(old)
            with _gone_is_fine():
                self.patience.repeatedly(lambda: self.administration.delete_subscription(old))

    def _do_policy(self, project: Project, step: PolicyStep) -> None:
        wanted, old = step.wanted, step.old
        if old is None and wanted is not None:
            self.patience.once(lambda: self.administration.create_policy(project.id, wanted))
        if old is None:
            return
        if wanted is not None:
            self.patience.repeatedly(lambda: self.administration.change_policy(project.id, old, wanted))
            return
        with _gone_is_fine():
            self.patience.repeatedly(lambda: self.administration.delete_policy(project.id, old))


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except DevOpsError as error:
        if error.kind is not DevOpsErrorKind.NOT_FOUND:
            raise
