"""An external id that could address something else than one contact is never sent."""

from __future__ import annotations

import pytest

from shared.adapters.spotler.rest.external_ids import complaint, path_segment
from shared.errors import DataError


@pytest.mark.parametrize(
    ("external_id", "segment"),
    [
        ("CRM-1001", "CRM-1001"),
        ("6d81597f-0f9f-e711-8122-000d3aa2331c", "6d81597f-0f9f-e711-8122-000d3aa2331c"),
        ("j.doe+test@example.com", "j.doe%2Btest%40example.com"),
        ("cust 42", "cust%2042"),
        ("José&co", "Jos%C3%A9%26co"),
        ("listing", "listing"),
    ],
)
def test_a_fine_id_is_encoded(external_id: str, segment: str) -> None:
    assert path_segment(external_id) == segment


@pytest.mark.parametrize(
    "external_id",
    [
        *("", " ", "a/b", "a\\b", "a?b", "a#b", "a%2Fb", "a;b", "a\nb", "\x00", ".", ".."),
        *("list", "search", "properties", "updates", "bounces", "anonymize", "inactivate"),
    ],
)
def test_an_id_that_cannot_be_addressed_is_refused_without_quoting_it(external_id: str) -> None:
    with pytest.raises(DataError) as caught:
        path_segment(external_id)
    assert caught.value.code == "EXTERNAL_ID_INVALID"
    assert caught.value.detail == complaint(external_id)
    assert complaint("jan/de/vries").find("jan") == -1
