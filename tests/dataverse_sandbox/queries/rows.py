"""The rows that the suites of queries begin with: two companies, three people, three permissions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

CONTOSO, FABRIKAM = (str(UUID(int=number)) for number in (101, 102))
ANN, BOB, CAS = (str(UUID(int=number)) for number in (1, 2, 3))
EARLY, LATE = "2024-03-01T09:00:00Z", "2024-03-02T10:30:00Z"
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("account", {"accountid": CONTOSO, "name": "Contoso", "accountnumber": "O'1"}),
    ("account", {"accountid": FABRIKAM, "name": "Fabrikam"}),
    (
        "contact",
        {
            "contactid": ANN,
            "firstname": "Ann",
            "lastname": "Lee",
            "emailaddress1": "Ann@Example.com",
            "gendercode": 2,
            "birthdate": "1980-02-03",
            "lastusedincampaign": EARLY,
            "dh_engagementscore": 10,
            "parentcustomerid": ("account", CONTOSO),
        },
    ),
    (
        "contact",
        {
            "contactid": BOB,
            "firstname": "Bob",
            "lastname": "O'Hara",
            "donotemail": True,
            "lastusedincampaign": LATE,
            "dh_engagementscore": 1500,
            "parentcustomerid": ("account", FABRIKAM),
        },
    ),
    ("contact", {"contactid": CAS, "firstname": "Cas", "parentcustomerid": ("contact", ANN)}),
    ("dh_spotlerpermission", {"dh_name": "News", "dh_subscribed": True, "dh_customerid": ("contact", ANN)}),
    ("dh_spotlerpermission", {"dh_name": "Offers", "dh_subscribed": False, "dh_customerid": ("contact", ANN)}),
    ("dh_spotlerpermission", {"dh_name": "News", "dh_subscribed": False, "dh_customerid": ("contact", BOB)}),
]
