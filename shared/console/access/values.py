"""Who may see values of which people.

A user who has signed in with Entra sees what the same user may read in Dynamics. Without that sign-in, on one machine,
the role decides.
"""

from collections.abc import Collection
from uuid import UUID

from shared.composition import app
from shared.console.access.audit import AuditLog
from shared.console.rendering.words import Said, said
from shared.console.web import Visit
from shared.domain.records.records import RecordKey

BY_ROLE = said("Values are for administrators.")
BY_RIGHTS = said("Your rights in Dynamics do not include these records.")


async def readable(visit: Visit, keys: Collection[RecordKey]) -> frozenset[RecordKey]:
    """Return the people whose values the user may see. Raises ConnectorErrors."""
    if not visit.request.sign_in_is_on:
        return frozenset(keys) if visit.sees_values else frozenset()
    try:
        account = UUID(visit.user.id)
    except ValueError:
        return frozenset()
    return await (await app.services()).readers.readable(account, keys)


async def note_views(visit: Visit, keys: Collection[RecordKey]) -> None:
    """Keep in the audit log whose values the user sees. Raises ConnectorErrors."""
    services = await app.services()
    log = AuditLog(services.store, services.clock, services.settings.environment)
    for key in keys:
        await log.note(visit.user.id, visit.user.role.code, "view-values", str(key))


def why_hidden(visit: Visit) -> Said:
    """Return why values are hidden from the user."""
    return BY_RIGHTS if visit.request.sign_in_is_on else BY_ROLE
