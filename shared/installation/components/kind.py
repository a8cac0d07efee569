"""The base of a kind of component: what it wants, finds, compares and writes.

The planner (`plan.py`) and the installer (`install.py`) know components only through this class. A new kind is a
subclass, a member of `Kind` at its place in the order of work, and an entry in `components/table.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, Generic, Protocol, TypeVar

from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.publication import Publication


class Kind(StrEnum):
    """The kinds of components, in the order in which they are installed; removed in the opposite order."""

    PUBLISHER = "publisher"
    SOLUTION = "solution"
    STANDARD_TABLE = "standard-table"
    TABLE = "table"
    COLUMN = "column"
    STATUS_REASON = "status-reason"
    KEY = "key"
    RELATIONSHIP = "relationship"
    VARIABLE = "variable"
    ROLE = "role"
    WEB_RESOURCE = "web-resource"
    VIEW = "view"
    CHART = "chart"
    FORM = "form"
    TAB = "tab"
    COMMAND = "command"
    DASHBOARD = "dashboard"
    APP = "app"
    USER = "user"
    ENDPOINT = "endpoint"
    STEP = "step"


EVENT_KINDS = frozenset({Kind.ENDPOINT, Kind.STEP})
"""What makes Dataverse send its messages."""

OUTSIDE_THE_SOLUTION = EVENT_KINDS | {Kind.TAB, Kind.USER}
"""What belongs to one environment, its forms, its queue and its app, and is in no solution file."""


class Named(Protocol):
    """A component has a name that is unique within its kind, such as `contact.dh_engagementscore`."""

    @property
    def name(self) -> str:
        """The name, as the plan shows it."""
        ...


W = TypeVar("W", bound=Named)
"""A component as it should be."""
F = TypeVar("F")
"""A component as it was found."""


class ComponentKind(ABC, Generic[W, F]):
    """One kind of component. It keeps no state: what it needs comes as arguments."""

    kind: ClassVar[Kind]
    holds_data: ClassVar[bool] = False
    """Whether removing a component deletes what users entered; then only `--delete-data` removes it."""
    settles: ClassVar[float] = 0.0
    """Seconds that Dataverse needs after the last creation of this kind, before the next kind."""

    @abstractmethod
    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[W]:
        """Return the components that this organisation should have, in the order of their creation."""

    def goes_along(self, wanted: W) -> bool:
        """Return whether removing another component removes this one."""
        return False

    def is_removed(self, found: F) -> bool:
        """Return whether what was found counts as removed: a disabled user, for one."""
        return False

    def remark(self, found: F) -> str:
        """Return what is to be told of a component that is as it should be; empty if there is nothing."""
        return ""

    @abstractmethod
    async def find(
        self, client: CustomizationClient, wanted: Sequence[W], organisation: Organisation
    ) -> Mapping[str, F]:
        """Read those of `wanted` that exist, by name. Raises the errors of the client."""

    @abstractmethod
    def differences(self, wanted: W, found: F, organisation: Organisation) -> Sequence[str]:
        """Return what differs of that which the connector sets, in words for the plan; empty if nothing does."""

    @abstractmethod
    async def create(self, client: CustomizationClient, wanted: W, organisation: Organisation) -> Publication | None:
        """Create a component; return what is to be published.

        It may be interrupted after any request: the next run finds the rest as differences.
        """

    @abstractmethod
    async def change(
        self, client: CustomizationClient, wanted: W, found: F, organisation: Organisation
    ) -> Publication | None:
        """Make an existing component equal to `wanted`; return what is to be published.

        What the connector does not set stays.
        """

    @abstractmethod
    async def remove(self, client: CustomizationClient, wanted: W, found: F) -> Publication | None:
        """Delete a component; return what is to be published."""
