"""A contact as the twin of Spotler keeps it, and as its answers describe it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.domain.records.marketing_contact import (
    Channel,
    ContactWrite,
    MarketingContact,
    PropertyCatalogue,
    PropertyType,
    Purge,
    SetOption,
)


@dataclass
class TwinContact:
    """A contact: values by property, and options as `property:bit`."""

    external_id: str
    values: dict[str, Any] = field(default_factory=dict)
    options: dict[str, bool] = field(default_factory=dict)
    is_inactive: bool = False
    has_bounced: bool = False
    scores: dict[str, int] = field(default_factory=dict)
    encrypted_id: str = ""
    created: datetime | None = None
    last_changed: datetime | None = None

    def seen(self, catalogue: PropertyCatalogue) -> MarketingContact:
        """The contact as Spotler describes it: empty values are absent, sets have all their options."""
        sets = {
            one.name: tuple(
                SetOption(entry.bit, self.options.get(f"{one.name}:{entry.bit}", False)) for entry in one.entries
            )
            for one in catalogue.definitions
            if one.type is PropertyType.SET
        }
        return MarketingContact(
            self.external_id,
            self.encrypted_id,
            {**self.values, **sets},
            {Channel.EMAIL: bool(self.email) and not self.is_inactive},
            self.last_changed,
            self.created,
        )

    @property
    def email(self) -> str:
        return str(self.values.get("email", "")).casefold()

    def take(self, write: ContactWrite, purge: Purge) -> None:
        if purge is Purge.PURGE:
            self.values.clear()
            self.options.clear()
        self.external_id = write.external_id
        for name, value in write.properties.items():
            if isinstance(value, tuple):
                self.options.update({f"{name}:{option.bit}": option.enabled for option in value})
            elif value in {"", None}:
                self.values.pop(name, None)
            else:
                self.values[name] = value
