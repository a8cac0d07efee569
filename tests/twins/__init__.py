"""Honest twins of the services behind the ports, in memory: they keep the rules that the engine relies on.

- `TwinCrm`: Dataverse; `calls` counts requests.
- `TwinPlatform`: Spotler.
- `TwinStore`: the state store. `TwinQueue`: the queues.
- `Faults`: lets calls to any of them fail.
"""

from tests.twins.contacts import TwinContact
from tests.twins.dataverse import SOMEBODY, TwinCrm
from tests.twins.faults import CrashError, Faults, Twin
from tests.twins.queue import TwinQueue, Waiting
from tests.twins.spotler import TwinPlatform
from tests.twins.state import TwinStore, bodies

__all__ = [
    "SOMEBODY",
    "CrashError",
    "Faults",
    "Twin",
    "TwinContact",
    "TwinCrm",
    "TwinPlatform",
    "TwinQueue",
    "TwinStore",
    "Waiting",
    "bodies",
]
