"""Change tracking: which rows are new, changed or gone since a delta token.

Source: Microsoft's page "Use change tracking to synchronize data with external systems".
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.organisation.errors import bad_request
from shared.local.dataverse_sandbox.requests.query_options import QueryOptions
from shared.local.dataverse_sandbox.rows.store import Row, Store

_TOKEN = re.compile(r"(\d+)!")


def token(store: Store, now: datetime) -> str:
    """Return the token of this moment: `version!time`."""
    return f"{store.version}!{now:%m/%d/%Y %H:%M:%S}"


def check(options: QueryOptions) -> None:
    """Refuse what does not go together with change tracking (WebApiError 400)."""
    refused = {
        "filter": options.filter,
        "orderby": options.order,
        "expand": options.expand,
        "top": options.top,
    }
    for name, value in refused.items():
        if value:
            raise bad_request(
                f'The "${name}" query parameter isn\'t supported when Change Tracking is enabled.', "0x80060888"
            )


def since(store: Store, table: Table, delta_token: str) -> list[Row]:
    """Return the rows written since the token, in the order of the writes; WebApiError 400 for a foreign token."""
    version = _version(delta_token)
    changed = [row for row in store.rows(table.name).values() if row["versionnumber"] > version]
    return sorted(changed, key=lambda row: row["versionnumber"])


def gone(store: Store, table: Table, delta_token: str, base_url: str) -> list[dict[str, Any]]:
    """Return the entries for the rows deleted since the token."""
    version = _version(delta_token)
    return [
        {
            "@odata.context": f"{base_url}/$metadata#{table.set_name}/$deletedEntity",
            "id": identifier,
            "reason": "deleted",
        }
        for identifier, deleted in store.tombstones[table.name].items()
        if deleted > version and identifier not in store.rows(table.name)
    ]


def _version(delta_token: str) -> int:
    match = _TOKEN.match(delta_token)
    if not match:
        raise bad_request("Invalid delta token.", "0x80060888")
    return int(match[1])
