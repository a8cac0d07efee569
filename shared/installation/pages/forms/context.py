"""What an organisation adds to a form's specification: languages, optional tables, ids of views and forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from shared.errors import ConfigurationError
from shared.installation.pages.languages import Languages


@dataclass(frozen=True)
class Surroundings:
    """The organisation as the builders of forms see it.

    `views` and `forms` map keys of `infra/dataverse/` to ids of rows that exist: Dataverse refuses a subgrid whose view
    does not.
    """

    languages: Languages
    views: Mapping[str, UUID]
    forms: Mapping[str, UUID]
    has_sales: bool = True

    def view(self, key: str) -> UUID:
        """Return the id of a view. Raises ConfigurationError if it is not installed yet."""
        return _known(self.views, key, "view")

    def form(self, key: str) -> UUID:
        """Return the id of an own form. Raises ConfigurationError if it is not installed yet."""
        return _known(self.forms, key, "form")


def _known(ids: Mapping[str, UUID], key: str, what: str) -> UUID:
    if key not in ids:
        raise ConfigurationError(f"The {what} {key} is not in the organisation. Install {what}s first, then repeat.")
    return ids[key]
