"""Generated people and companies for a sandbox Dataverse: the same for the same seed, and none of them real.

Seven in ten are Dutch. Some have special cases that a synchronisation must handle (`Quirk`). E-mail addresses end in
domains that are reserved for examples.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto
from random import Random
from uuid import UUID

Row = tuple[str, dict[str, object]]

PERMISSIONS = ("Newsletter", "Productinfo", "Servicenotifications", "Offers")
MAIL_DOMAINS = ("example.com", "example.org", "example.net", "example.nl")
OLDEST, AGES_IN_DAYS = date(1940, 1, 1), 24_000
MALE, FEMALE = 1, 2
LEAD_DISQUALIFIED, LEAD_LOST = 2, 4
QUIRK_CYCLE = 25

DUTCH_SHARE = 0.7
EMPLOYED_SHARE = 0.6
INITIALS_SHARE = 0.1
ANSWERED_SHARE = 2 / 3
SUBSCRIBED_SHARE = 0.7

_FIRST_NAMES = {
    MALE: ("Jan", "Pieter", "Daan", "Sem", "Thijs", "Bram", "Joost", "Ruben", "Mohammed", "Noël", "Henk", "Kees"),
    FEMALE: ("Anna", "Emma", "Sanne", "Zoë", "Fatima", "Roos", "Lotte", "Marieke", "Chloé", "Anouk", "Inge", "Femke"),
}
_LAST_NAMES = (
    ("de", "Vries"),
    ("van der", "Berg"),
    ("van den", "Heuvel"),
    ("", "Jansen"),
    ("", "Bakker"),
    ("van 't", "Hof"),
    ("ter", "Horst"),
    ("in 't", "Veld"),
    ("de la", "Fuente"),
    ("", "Smit"),
    ("", "Brouwer-de Groot"),
    ("van", "Dijk"),
    ("", "Daniëls"),
    ("op de", "Weegh"),
)
_DUTCH_PLACES = (
    ("Utrecht", 35, "030", "Oudegracht"),
    ("Amsterdam", 10, "020", "Prinsengracht"),
    ("Rotterdam", 30, "010", "Coolsingel"),
    ("Zoetermeer", 27, "079", "Dorpsstraat"),
    ("Groningen", 97, "050", "Herestraat"),
    ("'s-Hertogenbosch", 52, "073", "Kerkstraat"),
    ("Maastricht", 62, "043", "Sint Pieterstraat"),
)
_COMPANIES = (
    "Bouwbedrijf",
    "Bakkerij",
    "Adviesbureau",
    "Hoveniersbedrijf",
    "Technisch Bureau",
    "Drukkerij",
    "Rederij",
    "Kwekerij",
)
_JOBS = ("Directeur", "Inkoper", "Marketing manager", "HR adviseur", "Controller", "Projectleider", "Zelfstandige")
_SUBJECTS = ("Brochure aangevraagd", "Offerte zonnepanelen", "Beurscontact", "Demo op locatie", "Kennismaking")


class Quirk(Enum):
    """The kinds of special cases."""

    NO_EMAIL = auto()
    INVALID_EMAIL = auto()
    SHARED_EMAIL = auto()
    WRONG_POSTCODE = auto()
    WRONG_PHONE = auto()
    NO_BULK_EMAIL = auto()
    NO_ELECTRONIC_MAIL = auto()
    INACTIVE = auto()
    LONG_NAME = auto()


# The position of each special case in a cycle of people. A shared address is that of the person before.
_QUIRKS = dict(zip((2, 4, 7, 9, 11, 14, 17, 20, 23), Quirk, strict=True))


@dataclass(frozen=True, slots=True)
class _Country:
    """People from abroad: `postcode` and `phone` are patterns in which `#` is a digit and `@` a letter."""

    name: str
    city: str
    street: str
    postcode: str
    phone: str
    names: tuple[tuple[int, str, str], ...]


_ABROAD = (
    _Country(
        "Duitsland",
        "Köln",
        "Hohe Straße #",
        "5####",
        "+49 221 #######",
        ((MALE, "Jürgen", "Müller"), (FEMALE, "Käthe", "Weiß")),
    ),
    _Country(
        "België",
        "Gent",
        "Veldstraat #",
        "9###",
        "+32 9 ### ## ##",
        ((FEMALE, "Griet", "D'Hondt"), (MALE, "Loïc", "Peeters")),
    ),
    _Country(
        "Frankrijk",
        "Besançon",
        "# rue de la République",
        "25###",
        "+33 3 81 ## ## ##",
        ((MALE, "François", "Lefèvre"),),
    ),
    _Country("Polen", "Łódź", "Piotrkowska #", "9#-###", "+48 42 ### ## ##", ((FEMALE, "Małgorzata", "Wałęsa"),)),
    _Country("Turkije", "İzmir", "Atatürk Caddesi #", "35###", "+90 232 ### ## ##", ((FEMALE, "Ayşe", "Şahin"),)),
    _Country("Bulgarije", "София", "бул. Витоша #", "1###", "+359 2 ### ####", ((MALE, "Георги", "Иванов"),)),
    _Country(
        "Ierland", "Dublin", "# O'Connell Street", "D## @#@#", "+353 1 ### ####", ((FEMALE, "Sinéad", "O'Brien"),)
    ),
)


@dataclass(frozen=True, slots=True)
class _Person:
    """Return the columns that contacts and leads share."""

    first: str
    infix: str
    last: str
    gender: int
    columns: dict[str, object]


def people(count: int, seed: int) -> list[Row]:
    """Make `count` rows of account, contact and lead, with permission rows for some of the people.

    A row is its table and its columns; the primary key is text, a lookup is `(table, id)`. Rows follow the rows
    that they point to. Per ten: one account, seven contacts, two leads.
    """
    return _Population(Random(seed)).rows(count)


class _Population:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._mail: str | None = None

    def rows(self, count: int) -> list[Row]:
        accounts = [self._account(number) for number in range(count // 10)]
        rows: list[Row] = [("account", columns) for columns in accounts]
        for number in range(count - len(accounts)):
            quirk = _QUIRKS.get(number % QUIRK_CYCLE)
            if number % 9 in {3, 8}:
                rows += self._with_permissions("lead", self._lead(number, quirk))
            else:
                rows += self._with_permissions("contact", self._contact(number, quirk, accounts))
        return rows

    def _account(self, number: int) -> dict[str, object]:
        _, last = self._random.choice(_LAST_NAMES)
        columns: dict[str, object] = {
            "accountid": self._id(),
            "name": f"{self._random.choice(_COMPANIES)} {last} B.V.",
            "accountnumber": f"A{10_000 + number}",
            "emailaddress1": f"info{number}@{self._random.choice(MAIL_DOMAINS)}",
            "donotemail": False,
            "donotbulkemail": False,
            "statecode": 0,
            "statuscode": 1,
        }
        address = self._dutch_address(None)
        del address["mobilephone"]
        return columns | address

    def _contact(self, number: int, quirk: Quirk | None, accounts: list[dict[str, object]]) -> dict[str, object]:
        person = self._person(number, quirk)
        inactive = quirk is Quirk.INACTIVE
        columns: dict[str, object] = {
            "contactid": self._id(),
            "middlename": person.infix or None,
            "gendercode": person.gender,
            "birthdate": (OLDEST + timedelta(days=self._random.randrange(AGES_IN_DAYS))).isoformat(),
            "statecode": int(inactive),
            "statuscode": 2 if inactive else 1,
        }
        if accounts and self._random.random() < EMPLOYED_SHARE:
            columns["parentcustomerid"] = ("account", self._random.choice(accounts)["accountid"])
        return columns | self._named(person)

    def _lead(self, number: int, quirk: Quirk | None) -> dict[str, object]:
        person = self._person(number, quirk)
        inactive = quirk is Quirk.INACTIVE
        columns: dict[str, object] = {
            "leadid": self._id(),
            "subject": self._random.choice(_SUBJECTS),
            "middlename": person.infix or None,
            "companyname": f"{self._random.choice(_COMPANIES)} {person.last}"[:100],
            "statecode": LEAD_DISQUALIFIED if inactive else 0,
            "statuscode": LEAD_LOST if inactive else 1,
        }
        return columns | self._named(person)

    def _named(self, person: _Person) -> dict[str, object]:
        names = {
            "firstname": person.first,
            "lastname": person.last,
            "fullname": " ".join(part for part in (person.first, person.infix, person.last) if part),
        }
        return names | person.columns

    def _person(self, number: int, quirk: Quirk | None) -> _Person:
        if self._random.random() < DUTCH_SHARE or quirk in {Quirk.WRONG_POSTCODE, Quirk.WRONG_PHONE}:
            gender = self._random.choice((MALE, FEMALE))
            first = self._random.choice(_FIRST_NAMES[gender])
            infix, last = self._random.choice(_LAST_NAMES)
            address = self._dutch_address(quirk)
        else:
            country = _ABROAD[number % len(_ABROAD)]
            gender, first, last = self._random.choice(country.names)
            infix, address = "", self._foreign_address(country)
        if quirk is Quirk.LONG_NAME:
            infix, last = "van der", "Wolfeschlegelsteinhausen-Bergerdorff Zwanenburg"
        if self._random.random() < INITIALS_SHARE:
            first = f"{first[0]}.{self._random.choice('ABCDEJM')}."
        columns: dict[str, object] = {
            "emailaddress1": self._address_of_mail(number, first, last, quirk),
            "jobtitle": self._random.choice(_JOBS),
            "donotemail": quirk is Quirk.NO_ELECTRONIC_MAIL,
            "donotbulkemail": quirk is Quirk.NO_BULK_EMAIL,
        }
        return _Person(first, infix, last, gender, columns | address)

    def _address_of_mail(self, number: int, first: str, last: str, quirk: Quirk | None) -> str | None:
        match quirk:
            case Quirk.NO_EMAIL:
                return None
            case Quirk.INVALID_EMAIL:
                return f"{_plain(first)}.{_plain(last)} at example"
            case Quirk.SHARED_EMAIL if self._mail is not None:
                return self._mail
            case _:
                self._mail = f"{_plain(first)}.{_plain(last)}{number}@{self._random.choice(MAIL_DOMAINS)}"
                return self._mail

    def _dutch_address(self, quirk: Quirk | None) -> dict[str, object]:
        city, region, area, street = self._random.choice(_DUTCH_PLACES)
        blank = self._random.choice(("", " "))
        postcode = self._fill(f"{region}##{blank}@@")
        phone, mobile = self._fill(f"{area}-{'#' * (9 - len(area) + 1)}"), self._fill("06-1#######")
        if quirk is Quirk.WRONG_POSTCODE:
            postcode = f"NL-{postcode}"
        if quirk is Quirk.WRONG_PHONE:
            phone, mobile = phone.replace("-", " "), f"{mobile[:2]} {mobile[3:7]} {mobile[7:]}"
        return {
            "address1_line1": f"{street} {self._random.randrange(1, 400)}",
            "address1_postalcode": postcode,
            "address1_city": city,
            "address1_country": "Nederland",
            "telephone1": phone,
            "mobilephone": mobile,
        }

    def _foreign_address(self, country: _Country) -> dict[str, object]:
        return {
            "address1_line1": country.street.replace("#", str(self._random.randrange(1, 200))),
            "address1_postalcode": self._fill(country.postcode),
            "address1_city": country.city,
            "address1_country": country.name,
            "telephone1": self._fill(country.phone),
            "mobilephone": None,
        }

    def _with_permissions(self, table: str, columns: dict[str, object]) -> list[Row]:
        """Two people in three have a row for one permission or more."""
        rows: list[Row] = [(table, columns)]
        if self._random.random() >= ANSWERED_SHARE:
            return rows
        owner = (table, columns[f"{table}id"])
        for name in PERMISSIONS[: self._random.randint(1, len(PERMISSIONS))]:
            permission: dict[str, object] = {
                "dh_spotlerpermissionid": self._id(),
                "dh_name": name,
                "dh_subscribed": self._random.random() < SUBSCRIBED_SHARE,
                "dh_leadid" if table == "lead" else "dh_customerid": owner,
            }
            rows.append(("dh_spotlerpermission", permission))
        return rows

    def _fill(self, pattern: str) -> str:
        digits, letters = "0123456789", "ABCDEGHJKLMNPRSTVWXZ"
        choices = {"#": digits, "@": letters}
        return "".join(self._random.choice(choices[mark]) if mark in choices else mark for mark in pattern)

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def _plain(name: str) -> str:
    """Return a name in the characters of an e-mail address; names in other scripts get a substitute."""
    decomposed = unicodedata.normalize("NFKD", name.translate({ord("ł"): "l", ord("ß"): "ss"}))
    return "".join(letter for letter in decomposed.lower() if letter.isascii() and letter.isalnum()) or "info"
