"""Contacts are written, read, found and ended through the client, over the sandbox of Mail+."""

from __future__ import annotations

import itertools
from datetime import timedelta

import httpx
import pytest

from shared.adapters.spotler.contacts.client import AnonymizeResult, SpotlerClient
from shared.adapters.spotler.contacts.platform import SpotlerPlatform
from shared.domain.records.marketing_contact import ContactWrite, Ending, PropertyType, Purge, SetOption, WriteCode
from shared.errors import DataError, NotFoundError
from shared.local.spotler_sandbox.account.contacts import OptOutUpsert
from shared.ports.marketing_platform import MarketingPlatform
from tests.contract.spotler_client.account import KEY, OK, SECRET, Account, Time, address, open_account

# ----------------------------------------------------------------------------------------------------- reading, writing


async def test_the_properties_are_read_with_types_and_options(account: Account) -> None:
    catalogue = await account.client.properties()
    email, permissions = catalogue.find("email"), catalogue.find("Permissions")
    assert email is not None
    assert email.type is PropertyType.EMAIL
    assert permissions is not None
    assert permissions.type is PropertyType.SET
    newsletter = permissions.entry("newsletter")
    assert newsletter is not None
    assert permissions.entry_with_bit(newsletter.bit) is newsletter
    assert {definition.type for definition in catalogue.definitions} <= set(PropertyType) - {PropertyType.UNKNOWN}


async def test_a_contact_is_read_back_as_written(account: Account) -> None:
    await account.write(
        "CRM-1", email=address(1), city="'s-Gravenhage é", freeField1=42, permissions=(SetOption(1, enabled=True),)
    )
    contact = await account.client.contact("CRM-1")
    assert contact is not None
    assert contact.external_id == "CRM-1"
    assert contact.encrypted_id
    assert contact.last_changed == account.time.moment
    assert contact.channels == {"EMAIL": True, "SMS": False}
    assert contact.properties["city"] == "'s-Gravenhage é"
    assert contact.properties["freeField1"] == 42
    options = contact.properties["permissions"]
    assert isinstance(options, tuple)
    assert SetOption(1, enabled=True) in options
    assert SetOption(2, enabled=False) in options


async def test_reading_an_unknown_contact_gives_none() -> None:
    for status in (404, 400):
        async with open_account(missing_contact_status=status) as account:
            assert await account.client.contact("nobody") is None


@pytest.mark.parametrize("external_id", ["a b+c", "jan@example.com", "José&co=1", "~a!b'c(d)*e,f:g$h", "100€"])
async def test_an_id_with_odd_characters_is_addressed_exactly(account: Account, external_id: str) -> None:
    await account.write(external_id, email=address(1))
    contact = await account.client.contact(external_id)
    assert contact is not None
    assert contact.external_id == external_id


async def test_a_write_keeps_what_it_does_not_mention_and_a_purge_does_not(account: Account) -> None:
    await account.write("1", email=address(1), city="Gouda", firstName="A")
    await account.client.put_contact(ContactWrite("1", {"firstName": "B"}), purge=Purge.KEEP)
    contact = await account.client.contact("1")
    assert contact is not None
    assert (contact.properties["city"], contact.properties["firstName"]) == ("Gouda", "B")
    await account.client.put_contact(ContactWrite("1", {"email": address(1)}), purge=Purge.PURGE)
    contact = await account.client.contact("1")
    assert contact is not None
    assert "city" not in contact.properties


@pytest.mark.parametrize("nothing", [None, ""])
async def test_none_and_the_empty_string_empty_a_property(account: Account, nothing: str | None) -> None:
    await account.write("1", email=address(1), city="Gouda")
    await account.write("1", city=nothing)
    contact = await account.client.contact("1")
    assert contact is not None
    assert "city" not in contact.properties


async def test_an_update_says_whether_the_contact_or_the_value_is_the_problem(account: Account) -> None:
    with pytest.raises(NotFoundError):
        await account.client.put_contact(ContactWrite("nobody", {"city": "Gouda"}), purge=Purge.KEEP)
    await account.write("1", email=address(1))
    with pytest.raises(DataError) as caught:
        await account.client.put_contact(ContactWrite("1", {"email": "no address"}), purge=Purge.KEEP)
    assert (caught.value.status, caught.value.code) == (400, "INVALID_PROPERTY")


async def test_many_contacts_take_few_calls_and_each_has_its_result(account: Account) -> None:
    people = [ContactWrite(f"CRM-{number}", {"email": address(number)}) for number in range(250)]
    people[7] = ContactWrite("CRM-7", {"email": "no address"})
    people[120] = ContactWrite("CRM-120", {"noSuchProperty": "x"})
    results = await account.client.upsert_many(people, purge=Purge.KEEP)
    assert {who for who, result in results.items() if result != OK} == {"CRM-7", "CRM-120"}
    assert results["CRM-7"].code is results["CRM-120"].code is WriteCode.PROPERTY_INVALID
    assert (await account.requests())["contact.bulk"] == 3


async def test_a_contact_that_opted_out_has_a_result_of_its_own() -> None:
    async with open_account(optout_upsert=OptOutUpsert.REFUSE) as account:
        await account.write("1", email=address(1))
        await account.act("contact/opt-out", externalId="1")
        results = await account.client.upsert_many([ContactWrite("1", {"city": "Gouda"})], purge=Purge.KEEP)
        assert results["1"].code is WriteCode.CONTACT_OPTOUT
        contact = await account.client.contact("1")
        assert contact is not None
        assert contact.channels["EMAIL"] is False


@pytest.mark.parametrize("email", ["j.doe+test@example.com", "o'brien@example.com", "a&b=c@example.com"])
async def test_a_search_finds_an_address_in_any_case_and_nobody_else(account: Account, email: str) -> None:
    await account.write("1", email=email)
    await account.write("2", email=f"x{email}")
    assert [hit.external_id for hit in await account.client.search_by_email(email.upper())] == ["1"]
    assert await account.client.search_by_email("nobody@example.com") == ()


# ---------------------------------------------------------------------------------------------------------------- feeds


async def test_the_feed_of_changes_has_each_contact_once_over_all_pages(account: Account) -> None:
    start = account.time.moment
    days = ([f"{day}-{number:03}" for number in range(120)] for day in range(3))
    expected = list(itertools.chain.from_iterable(days))
    for day, people in itertools.groupby(expected, key=lambda who: int(who[0])):
        # Just before the next window begins: in the overlap of two windows.
        account.time.moment = start + day * timedelta(hours=23, minutes=57)
        writes = [ContactWrite(who, {"email": f"{who}@example.com"}) for who in people]
        await account.client.upsert_many(writes, purge=Purge.KEEP)
    end = account.time.moment + timedelta(minutes=1)
    pages = [page async for page in account.client.updated_contacts(start, end)]
    assert sorted(contact.external_id for page in pages for contact in page) == expected


async def test_a_contact_made_by_a_form_is_among_the_changes(account: Account) -> None:
    start = account.time.moment
    await account.act("form", {"properties": {"email": address(1)}})
    pages = [page async for page in account.client.updated_contacts(start, start + timedelta(hours=1))]
    assert [(contact.external_id, contact.properties["email"]) for page in pages for contact in page] == [
        ("", address(1))
    ]


async def test_a_bounce_is_read_with_its_kind_date_and_contact(account: Account) -> None:
    await account.write("1", email=address(1))
    await account.act("mailing", {"name": "March news"})
    await account.act("contact/hard-bounce", externalId="1")
    begin = account.time.moment
    pages = [page async for page in account.client.bounces(begin, begin + timedelta(hours=1))]
    [bounce] = [bounce for page in pages for bounce in page]
    assert (bounce.kind, bounce.date, bounce.contact.external_id) == ("HARDBOUNCE", begin, "1")
    assert bounce.mailing


# ------------------------------------------------------------------------------------------------------------- endings


async def test_an_anonymised_contact_is_gone_and_a_second_time_absent(account: Account) -> None:
    await account.write("1", email=address(1))
    assert await account.client.anonymize("1") == AnonymizeResult(Ending.DONE, 204)
    assert await account.client.contact("1") is None
    assert await account.client.anonymize("1") == AnonymizeResult(Ending.ABSENT, 404)


async def test_an_inactive_contact_cannot_be_mailed(account: Account) -> None:
    await account.write("1", email=address(1))
    assert await account.client.inactivate("1") is Ending.DONE
    contact = await account.client.contact("1")
    assert contact is not None
    assert contact.channels["EMAIL"] is False
    assert await account.client.inactivate("nobody") is Ending.ABSENT


async def test_a_contact_that_is_gone_for_good_counts_as_ended() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(410))
    client = SpotlerClient(
        "https://spotler.example/integrationservice",
        KEY,
        SECRET,
        http=httpx.AsyncClient(transport=transport),
        clock=Time(),
    )
    assert await client.anonymize("1") == AnonymizeResult(Ending.GONE, 410)
    assert await client.inactivate("1") is Ending.GONE
    assert await client.contact("1") is None
    await client.close()


# ------------------------------------------------------------------------------------------------------------- platform


async def test_the_platform_reads_the_catalogue_again_when_a_refused_property_makes_it_suspect() -> None:
    async with open_account() as account:
        platform = SpotlerPlatform(account.client, clock=account.time)
        await platform.properties()
        await platform.properties()
        assert (await account.requests())["contact.properties"] == 1
        account.time.moment += timedelta(minutes=2)
        results = await platform.upsert([ContactWrite("1", {"removed": "x"})], purge=Purge.KEEP)
        assert results["1"].code is WriteCode.PROPERTY_INVALID
        await platform.properties()
        assert (await account.requests())["contact.properties"] == 2


async def test_the_platform_writes_reads_and_ends_contacts() -> None:
    async with open_account() as account:
        platform: MarketingPlatform = SpotlerPlatform(account.client, clock=account.time)
        await platform.ping()
        assert await platform.upsert([ContactWrite("1", {"email": address(1)})], purge=Purge.KEEP) == {"1": OK}
        assert await platform.inactivate("1") is Ending.DONE
        assert await platform.anonymize("1") == (Ending.DONE, 204)
        assert await platform.contact("1") is None
        await platform.close()
