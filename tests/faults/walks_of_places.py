"""Walks through what is gated beside pull requests: pushed commits, images of builds, checks of pipelines."""

from tests.faults.estate import Estate
from tests.faults.promises import rest
from tests.faults.promises_of_places import is_gated
from tests.faults.workshop import KEPT, NAMES_ITS_BUILD, Workshop
from tests.local.devops.driver import Receiver

APP, BASE = "shop.azurecr.io/app:1", "shop.azurecr.io/base:1"


def branch(estate: Estate) -> None:
    """Two branches are pushed to at once; then one again and the other deleted; then once more, unheard of."""
    shop = Workshop(estate, "vulnerable", "clean", "clean", "vulnerable")
    kept = shop.branch(KEPT)
    estate.crew.held = True
    estate.hear(shop.push(shop.main, kept))
    estate.until(lambda: sum(job.message is not None for job in estate.crew.jobs) == 2, "both commits to be scanned")
    estate.hear(shop.push(shop.main, deleted=(kept,)))
    rest(estate)
    shop.push(shop.main)
    estate.clock.advance(2 * estate.settings.verify_seconds)
    estate.until(lambda: is_gated(estate, shop.main), "the push of which no hook told to be found")
    shop.main.is_unheard = False
    rest(estate)


def images(estate: Estate) -> None:
    """A pull request's build makes two images, another makes one of them anew; then its author pushes again."""
    shop = Workshop(estate, "clean", "clean")
    proposal = shop.propose()
    shop.image(APP, "clean")
    shop.image(BASE, "vulnerable")
    estate.registry.out_of_reach.add(BASE)
    first = shop.build(proposal, APP, BASE)
    estate.hear(shop.hook_of(first))
    rest(estate)
    shop.image(BASE, "clean")
    estate.hear(shop.hook_of(shop.build(proposal, APP, BASE)))
    estate.hear(shop.hook_of(first))  # once more, when its tag has moved on
    rest(estate)
    shop.push_again(proposal)
    rest(estate)


def checks(estate: Estate) -> None:
    """Three stages ask: one would deploy a vulnerable image, one a clean one, and one does not say what."""
    shop = Workshop(estate)
    shop.image(APP, "clean")
    shop.image(BASE, "vulnerable")
    with Receiver() as receiver:
        asked = [
            shop.reach(receiver, APP, BASE, headers=NAMES_ITS_BUILD),
            shop.reach(receiver, APP, headers=NAMES_ITS_BUILD),
            shop.reach(receiver),
        ]
    for hook in asked:
        estate.hear(hook)
    rest(estate)
