"""What a history acts on and looks at, whichever services stand behind it: people in Dynamics, people in Spotler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from uuid import UUID

from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.model import Outside
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey, SyncStatus
from tests.connector_twin import RULES, ConnectorTwin

NEWSLETTER, OFFERS = "permissions:1", "permissions:8"
NAMES = {NEWSLETTER: "Newsletter", OFFERS: "Offers"}
"""The permissions that histories speak of, by field."""

COLUMNS = {
    "firstName": "firstname",
    "city": "address1_city",
    "jobTitle": "jobtitle",
    "organisation": "description",
    "street": "address1_line1",
    "initials": "middlename",
    "taal": "salutation",
}
"""The columns behind the properties: one way, both ways with each policy, both ways keeping blanks, and back."""

TABLES = ("contact", "lead")
POLICIES = {"city": "crm", "jobTitle": "spotler", "organisation": "newest", "street": "ask"}
DIRECTIONS = {"firstName": "->", **dict.fromkeys((*POLICIES, "initials"), "<->"), "taal": "<-"}

FILTERED, POST_CODE, MOBILE = "address1_country", "address1_postalcode", "mobilephone"
ELSEWHERE = "Elsewhere"
"""What a record has in the filtered column that does not pass."""

FORMATS = {"postalCode": POST_CODE, "mobileNumber": MOBILE}
"""Properties that take one format only: a post code that does not fit stops its record, a number is left out."""


@dataclass(frozen=True)
class Version:
    """What an administrator changes of the mapping and the settings around it.

    `directions` are those of rows by property, None for a row that is taken out; `outside` is what happens to records
    that do not pass the filter, None without one.
    """

    directions: Mapping[str, str | None] = field(default_factory=dict)
    permissions: str = "<->"
    outside: Outside | None = None
    unmapped: Unmapped = Unmapped.KEEP


VERSIONS: Sequence[Version] = (
    Version(),
    Version({"city": "->", "street": None}),
    Version({"jobTitle": "<-", "initials": "->", "taal": "<->"}),
    Version({"organisation": None, "city": "<-"}),
    Version(permissions="->"),
    *(Version(outside=outside) for outside in Outside),
    Version(unmapped=Unmapped.CLEAR),
)


def rules(version: Version | None = None) -> Rules:
    """Every direction, conflict policy and blank policy in one mapping, as a version changes it."""
    changes = version or Version()
    rows: list[dict[str, Any]] = [{"spotler": "email", **dict.fromkeys(TABLES, "emailaddress1")}]
    for name, direction in (DIRECTIONS | dict(changes.directions)).items():
        row = {"spotler": name, **dict.fromkeys(TABLES, COLUMNS[name]), "direction": direction}
        if direction == "<->" and name in POLICIES:
            row["conflict"] = POLICIES[name]
        if direction == "<->" and name == "initials":
            row["blank"] = "keep"
        rows += [row] if direction else []
    rows += [{"spotler": name, **dict.fromkeys(TABLES, column)} for name, column in FORMATS.items()]
    rows.append({"spotler": "customerType", **dict.fromkeys(TABLES, "$CustomerType")})
    permissions = {"spotler": "permissions", **dict.fromkeys(TABLES, "@map(permissions)")}
    rows.append({**permissions, "direction": changes.permissions})
    document: dict[str, Any] = {"version": 1, "rows": rows}
    if changes.outside is not None:
        document |= {
            "filters": dict.fromkeys(TABLES, f'{FILTERED} <> "{ELSEWHERE}"'),
            "outside": str(changes.outside),
        }
    return replace(RULES, mapping=read_mapping(document), unmapped=changes.unmapped)


@dataclass(frozen=True)
class Profile:
    """A contact as Spotler shows it: `id` is Spotler's own."""

    id: str
    external_id: str
    email: str
    values: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, bool] = field(default_factory=dict)
    is_inactive: bool = False


class World(ABC):
    """One environment with its users. Whatever a user saves in Dynamics, the machine tells the connector of it."""

    twin: ConnectorTwin
    is_repeatable: ClassVar[bool] = True
    """Whether the same acts always lead to the same state."""

    # ---------------------------------------------------------------------------------------------- acts in Dynamics

    @abstractmethod
    async def create(
        self, table: PersonTable, columns: Mapping[str, Any], permissions: Mapping[str, bool]
    ) -> RecordKey:
        """Save a new record; permissions by name."""

    @abstractmethod
    async def edit(self, key: RecordKey, **columns: Any) -> None:
        """Save columns."""

    @abstractmethod
    async def permit(self, key: RecordKey, name: str, *, subscribed: bool) -> None:
        """Change a permission's row, or add it."""

    @abstractmethod
    async def remove_permission(self, key: RecordKey, name: str) -> None:
        """Delete a permission's row."""

    @abstractmethod
    async def delete(self, key: RecordKey) -> None: ...

    @abstractmethod
    async def deactivate(self, key: RecordKey) -> None: ...

    @abstractmethod
    async def activate(self, key: RecordKey) -> None: ...

    @abstractmethod
    async def merge(self, master: RecordKey, subordinate: RecordKey) -> None: ...

    @abstractmethod
    async def qualify(self, lead: RecordKey) -> RecordKey:
        """Make a contact of a lead. Permission rows stay behind: they belong to the lead."""

    @abstractmethod
    def remap(self, rules: Rules) -> None:
        """Use another version of the mapping from now on, as far as processes read it again."""

    @abstractmethod
    async def order(self, operation: Operation, key: RecordKey) -> UUID:
        """Create a job about a record, of which the connector hears nothing by itself."""

    @abstractmethod
    async def set_status(self, key: RecordKey, status: SyncStatus) -> None: ...

    @abstractmethod
    def people(self) -> Mapping[RecordKey, PersonRecord]:
        """Every record as it stands now."""

    # ----------------------------------------------------------------------------------------------- acts in Spotler

    @abstractmethod
    async def sign_up(self, email: str, values: Mapping[str, Any], options: Mapping[str, bool]) -> None:
        """Fill in a form: a new contact, or one that can be mailed again."""

    @abstractmethod
    async def change_profile(self, one: Profile, values: Mapping[str, Any], options: Mapping[str, bool]) -> None: ...

    @abstractmethod
    async def opt_out(self, one: Profile) -> None: ...

    @abstractmethod
    async def bounce(self, one: Profile, kind: str) -> None: ...

    @abstractmethod
    async def erase(self, one: Profile) -> None:
        """Delete a contact's data in Spotler itself, as a colleague does there."""

    @abstractmethod
    def profiles(self) -> list[Profile]:
        """Every contact as it stands now."""

    # -------------------------------------------------------------------------------------------------------- looking

    @abstractmethod
    def writes(self) -> int:
        """How many contacts and records the connector has written so far."""

    async def open(self) -> None:  # noqa: B027  # not every world has something to do
        """Start the services."""

    async def look(self) -> None:  # noqa: B027  # not every world has something to do
        """See what is there now: `people` and `profiles` tell of it."""

    async def close(self) -> None:  # noqa: B027  # not every world has something to do
        """End the services."""

    def profile(self, email: str) -> Profile | None:
        found = [one for one in self.profiles() if one.email == email.casefold()]
        assert len(found) < 2, f"{len(found)} contacts have one address"
        return found[0] if found else None
