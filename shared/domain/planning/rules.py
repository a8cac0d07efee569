"""The settings that steer planning."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.records import PersonTable
from shared.domain.recovery.allow_list import AllowList


class EndAction(StrEnum):
    """What happens to the contact of a record that ends (C-01, C-02)."""

    ANONYMIZE = "anonymize"
    """The anonymise call of the platform. Irreversible."""
    BLANK = "blank"
    """All mapped fields are emptied; the contact remains as a shell."""
    PERMISSIONS_OFF = "permissionsOff"
    """The data stays; every permission is switched off."""
    NOTHING = "nothing"


class Unmapped(StrEnum):
    """What an update does to properties that it does not mention (PurgeExistingPropertiesWhenNotSet, PURGE-01)."""

    KEEP = "keep"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that control planning, and the fingerprints of the deployment.

    `recast` are the properties whose mapping has changed within the last days. `allow_list` is who may be written in
    the platform; None: everybody.
    """

    mapping: FieldMapping
    fingerprints: Fingerprinter
    environment_is_on: bool = True
    enabled_tables: frozenset[PersonTable] = frozenset(PersonTable)
    on_delete: EndAction = EndAction.ANONYMIZE
    on_inactive: EndAction = EndAction.ANONYMIZE
    unmapped: Unmapped = Unmapped.KEEP
    recast: frozenset[str] = frozenset()
    allow_list: AllowList | None = None
