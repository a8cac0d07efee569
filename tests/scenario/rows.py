"""Rows that users save: everything filled in, with the values that `privacy.py` marks."""

from __future__ import annotations

from typing import Any

from shared.domain.records.records import PersonTable
from tests.scenario.privacy import BIRTHDATE, MARK, MOBILE, POSTCODE, TELEPHONE


def filled_in(table: PersonTable) -> dict[str, Any]:
    """Return every column that the default mapping reads, with marked values."""
    address = {
        "address1_line1": f"{MARK}straat 1",
        "address1_line2": f"{MARK}hof",
        "address1_line3": f"{MARK} etage",
        "address1_postalcode": POSTCODE,
        "address1_city": f"{MARK}dam",
        "address1_country": f"{MARK}land",
        "telephone1": TELEPHONE,
    }
    names = {
        "firstname": f"Voor{MARK}",
        "middlename": f"van {MARK}",
        "lastname": f"Achter{MARK}",
        "jobtitle": f"{MARK} meester",
        "mobilephone": MOBILE,
    }
    match table:
        case PersonTable.CONTACT:
            return address | names | {"gendercode": 2, "birthdate": BIRTHDATE}
        case PersonTable.LEAD:
            return address | names | {"subject": f"{MARK} gevraagd", "companyname": f"{MARK} B.V."}
        case PersonTable.ACCOUNT:
            return address | {"name": f"{MARK} B.V."}
