"""What is stored instead of values: comparable, and the value cannot be derived."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from shared.domain.records.fingerprints import Fingerprinter

PRINTS = Fingerprinter(b"sixteen bytes!!!")


def test_equal_values_of_one_field_of_one_contact_have_equal_fingerprints() -> None:
    assert PRINTS.value("c1", "city", "Delft") == PRINTS.value("c1", "city", "Delft")
    assert PRINTS.value("c1", "city", "Delft") != PRINTS.value("c1", "city", "Gouda")


def test_equal_values_of_two_contacts_or_two_fields_look_different() -> None:
    prints = {
        PRINTS.value("c1", "city", "Delft"),
        PRINTS.value("c2", "city", "Delft"),
        PRINTS.value("c1", "street", "Delft"),
    }
    assert len(prints) == 3


def test_a_number_a_text_and_a_truth_value_are_three_values() -> None:
    assert len({PRINTS.value("c1", "x", value) for value in (1, "1", True, "True", "", 0, False)}) == 7


def test_another_deployment_has_other_fingerprints() -> None:
    assert Fingerprinter(b"another deployment").value("c1", "city", "Delft") != PRINTS.value("c1", "city", "Delft")


def test_a_fingerprint_is_no_plain_hash_that_could_be_looked_up() -> None:
    found = PRINTS.address("ann@example.com")
    for digest in (hashlib.sha256, hashlib.sha1, hashlib.md5):
        plain = digest(b"ann@example.com").digest()
        assert base64.urlsafe_b64encode(plain).decode()[:20] != found


def test_an_address_is_the_same_in_any_case() -> None:  # DUP-03
    assert PRINTS.address(" Ann@Example.COM ") == PRINTS.address("ann@example.com")


def test_a_value_and_an_address_never_look_the_same() -> None:
    assert PRINTS.value("", "", "ann@example.com") != PRINTS.address("ann@example.com")


@pytest.mark.parametrize("key", [b"", b"fifteen bytes!!"])
def test_a_key_that_could_be_guessed_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Fingerprinter(key)


def test_the_key_is_not_printed() -> None:
    assert "sixteen" not in repr(PRINTS)


def test_a_broken_character_does_not_stop_a_record() -> None:
    assert PRINTS.value("c1", "city", "\ud800")


def test_what_was_stored_by_earlier_versions_is_found_again() -> None:
    expected = {
        "firstName": 'value\x1f42\x1ffirstName\x1f"Zo\\u00eb"',
        "permissions:4": "value\x1f42\x1fpermissions:4\x1ftrue",
        "age": "value\x1f42\x1fage\x1f31",
    }
    prints = {
        name: base64.urlsafe_b64encode(hmac.digest(PRINTS.key, text.encode(), "sha256")[:15]).decode()
        for name, text in expected.items()
    }
    fields = {"firstName": "Zoë", "permissions:4": True, "age": 31}

    assert PRINTS.values("42", fields) == prints
    assert {name: PRINTS.value("42", name, value) for name, value in fields.items()} == prints
