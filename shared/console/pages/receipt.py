"""The erasure receipt of a person, as a page and as signed JSON; and the check of such a file."""

import json
from http import HTTPStatus

from shared.composition import app
from shared.console.pages.person import in_dynamics, key_of
from shared.console.rendering.code_words import TABLES
from shared.console.rendering.words import said
from shared.console.web import Download, Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.privacy.erasure_receipt import Receipt, is_genuine, receipt_of, signed


async def receipt(visit: Visit) -> Reply:
    """Show the page; what asks both sides follows as a part."""
    key = key_of(visit)
    url = (await app.services()).settings.dataverse_url
    values = {
        "title": said("Erasure receipt"),
        "key": key,
        "table_name": TABLES[key.table],
        "dynamics": in_dynamics(url, key),
    }
    return Page("pages/receipt.html", values)


async def found(visit: Visit) -> Reply:
    """Look at both sides, the state and the dead letters."""
    return Page("parts/receipt.html", {"receipt": await _receipt(visit), "key": key_of(visit)}, is_fragment=True)


async def download(visit: Visit) -> Reply:
    """Return the receipt as signed JSON."""
    ring = await (await app.services()).keys.ring()
    content = signed((await _receipt(visit)).as_json(), ring.first_key)
    name = f"erasure-receipt-{key_of(visit).id}.json"
    return Download(json.dumps(content, indent=2).encode(), "application/json", name)


async def check(visit: Visit) -> Reply:
    """Say whether a receipt is genuine."""
    try:
        document = json.loads(visit.request.files.get("file", b""))
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise RefusedError(HTTPStatus.BAD_REQUEST, said("Choose the JSON file of a receipt."))
    ring = await (await app.services()).keys.ring()
    if is_genuine(document, ring.first_key):
        notice = Notice(Tone.OK, said("This receipt is genuine: this connector signed it, and nobody changed it."))
    else:
        notice = Notice(Tone.BAD, said("This receipt is not genuine: it was changed, or another connector signed it."))
    return Redirect(link("audit"), notice)


async def _receipt(visit: Visit) -> Receipt:
    connector, administration, services = await app.connector(), await app.administration(), await app.services()
    key = key_of(visit)
    return await receipt_of(key, administration.person_data, connector.ledger, services.platform, services.clock)
