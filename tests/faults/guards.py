"""Every guard that keeps a promise, each with what the code is without it and the test that misses it.

Whoever moves a guard in the code writes here where it is now; whoever adds one adds it here with its test.
"""

from tests.faults.guard import Guard
from tests.faults.guards_of_gates import GUARDS_OF_GATES
from tests.faults.guards_of_images import GUARDS_OF_IMAGES
from tests.faults.guards_of_places import GUARDS_OF_PLACES
from tests.faults.guards_of_scans import GUARDS_OF_SCANS
from tests.faults.guards_of_store import GUARDS_OF_STORE
from tests.faults.guards_of_timers import GUARDS_OF_TIMERS

GUARDS: tuple[Guard, ...] = (
    *GUARDS_OF_STORE,
    *GUARDS_OF_GATES,
    *GUARDS_OF_PLACES,
    *GUARDS_OF_IMAGES,
    *GUARDS_OF_SCANS,
    *GUARDS_OF_TIMERS,
)
