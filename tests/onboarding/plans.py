"""A project, what is wished for it, whatever may stand there before, and a plan carried out on values."""

from itertools import count

from hypothesis import strategies as st

from scan_core.devops.hooks import Subscription, SubscriptionId
from scan_core.devops.policies import PolicyRead
from scan_core.devops.projects import Project
from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.onboarding.plan import HookStep, ProjectPlan, Standing, plan
from scan_core.onboarding.wish import WANTED_EVENTS, WantedEvent, Wish, hook_url, scope_of, user_names

ME = "99999999-8888-7777-6666-555555555555"
OTHER = "99999999-8888-7777-6666-444444444444"
SHOP = Project(id=ProjectId("11111111-2222-3333-4444-555555555555"), name="Shop")
WISH = Wish(
    hook_url=hook_url("https://gate.example", OrganisationName("contoso")),
    user_names=user_names("secret", ["key"]),
    author_id=ME,
    is_blocking=True,
    scope=scope_of(()),
)
NOTHING = Standing((), ())
NUMBERS = count(1000)
"""Of what is made; what stands before has smaller ones."""
STATES = ["enabled", "onProbation", "disabledBySystem", "disabledByUser", "disabledByInactiveIdentity", "new"]


def guid(number: int) -> SubscriptionId:
    """Number an id."""
    return SubscriptionId(f"00000000-0000-0000-0000-{number:012d}")


def after(made: ProjectPlan, standing: Standing) -> Standing:
    """Carry a plan out on values."""
    hooks = {one.id: one for one in standing.subscriptions}
    policies = {one.id: one for one in standing.policies}
    for step in made.steps:
        if isinstance(step, HookStep):
            if step.old is not None:
                del hooks[step.old]
            if step.wanted is not None:
                number = guid(next(NUMBERS))
                hooks[number] = Subscription(
                    id=number,
                    event_type=step.wanted.event_type,
                    resource_version=step.wanted.resource_version,
                    status="enabled",
                    publisher_inputs=step.wanted.publisher_inputs | {"tfsSubscriptionId": "x"},
                    consumer_inputs=step.wanted.consumer_inputs | {"basicAuthPassword": "********"},
                    created_by=ME,
                )
        else:
            if step.old is not None:
                del policies[step.old]
            if step.wanted is not None:
                made_policy = next(NUMBERS)
                policies[made_policy] = PolicyRead(id=made_policy, policy=step.wanted)
    return Standing(tuple(hooks.values()), tuple(policies.values()))


FULL = after(plan(SHOP, NOTHING, WISH), NOTHING)
subscriptions = st.builds(
    lambda number, event, state, creator, changes: Subscription(
        id=guid(number),
        event_type=event.event_type,
        resource_version=changes.pop("version", event.resource_version),
        status=state,
        publisher_inputs={"projectId": SHOP.id, "notificationType": event.notification_type or ""},
        consumer_inputs={"url": f"{WISH.hook_url}?notificationType={event.mark}" if event.mark else WISH.hook_url}
        | {"basicAuthPassword": "********", "basicAuthUsername": WISH.user_names[0]}
        | changes,
        created_by=creator,
    ),
    st.integers(0, 99),
    st.sampled_from([*WANTED_EVENTS, WantedEvent("git.repo.created")]),
    st.sampled_from(STATES),
    st.sampled_from([ME, OTHER, None]),
    st.dictionaries(
        st.sampled_from(["url", "version", "messagesToSend", "resourceDetailsToSend", "detailedMessagesToSend"]),
        st.sampled_from(["minimal", "none", "all", "2.0", "https://other.example", WISH.hook_url]),
    ),
)
policies = st.builds(
    lambda number, enabled, blocking, name, author, scope: PolicyRead.model_validate(
        {
            "id": number,
            "policy": {
                "is_enabled": enabled,
                "is_blocking": blocking,
                "settings": {"statusName": name, "statusGenre": "scangate", "authorId": author, "scope": scope},
            },
        }
    ),
    st.integers(1, 99),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["source", "image"]),
    st.sampled_from([ME, ME.upper(), OTHER, None]),
    st.sampled_from([[{"matchKind": "DefaultBranch"}], [{"refName": "refs/heads/x", "matchKind": "exact"}]]),
)
standings = st.builds(
    Standing,
    st.lists(subscriptions, max_size=8, unique_by=lambda one: one.id).map(tuple),
    st.lists(policies, max_size=4, unique_by=lambda one: one.id).map(tuple),
)
