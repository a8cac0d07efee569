"""Free mail services: who has an address there is nobody's colleague."""

from __future__ import annotations

import pytest

from shared.domain.values.addresses import address_key, domain_key
from shared.domain.values.free_mail import FreeMail


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "outlook.com",
        "hotmail.nl",
        "yahoo.co.uk",
        "live.be",
        "ziggo.nl",
        "kpnmail.nl",
        "telenet.be",
        "qq.com",
    ],
)
def test_large_services_and_access_providers_are_known(domain: str) -> None:
    assert FreeMail().has(domain)


@pytest.mark.parametrize(
    "domain", ["acme.example", "gmail.com.acme.example", "notgmail.com", "live.agency", "kpn.com", ""]
)
def test_companies_are_none(domain: str) -> None:
    assert not FreeMail().has(domain)


def test_the_settings_add_services() -> None:
    assert FreeMail(frozenset({"village.example"})).has("village.example")


def test_the_packaged_names_are_keys_of_domains() -> None:
    from shared.domain.values.free_mail import _packaged  # noqa: PLC0415  # nobody else needs the file itself

    domains, families = _packaged()
    assert all(address_key(f"x@{one}") == f"x@{one}" and "." in one for one in domains)
    assert all("." not in one for one in families)


def test_the_domain_of_an_address_has_one_spelling() -> None:
    assert domain_key("Ann@STRASSE.de") == "strasse.de"
    assert domain_key("ann@straße.de") == domain_key("ann@xn--strae-oqa.de")
    assert domain_key("nobody") == ""
