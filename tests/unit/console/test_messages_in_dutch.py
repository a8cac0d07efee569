"""What became of messages, queues, versions and files is Dutch on Dutch pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from shared.adapters.dataverse.events.execution_context import NotAnExecutionContext, check_organisation, read_event
from shared.adapters.messaging.servicebus_administration import problem_of
from shared.adapters.workbook.files import read_file
from shared.console.access.roles import Role, User
from shared.console.answers import page_answer
from shared.console.pages.decisions import not_decided
from shared.console.pages.problems.choice import FILTERS, Choice
from shared.console.pages.problems.groups import shown
from shared.console.rendering.locale import Locale
from shared.console.web import Method, Page, Visit, WebRequest
from shared.domain.mapping.formats.document import MappingError
from shared.domain.mapping.formats.strict_yaml import NotYamlError, load
from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.recovery.groups import groups_of
from shared.domain.wording.errors import ErrorText
from shared.domain.wording.letters import LetterText
from shared.domain.wording.phrase import Phrase, sentences
from shared.domain.wording.refused_acts import ChoiceRefusal
from shared.domain.wording.versions import VersionComment
from shared.errors import DataError
from shared.messages.lane_messages import LaneMessageError, read_lane_message
from shared.ports.organisations import Origin
from shared.ports.queue import DeadLetter, QueueName
from tests.unit.adapters.dataverse.test_execution_context import ORGANISATION
from tests.unit.console.test_rendering import EN, NL, NOW

if TYPE_CHECKING:
    from azure.servicebus.management import QueueProperties


@dataclass(frozen=True)
class LooseQueue:
    """Settings of a queue in Service Bus, whose own class has no constructor for others."""

    lock_duration: timedelta
    dead_lettering_on_message_expiration: bool


def problems(locale: Locale, reason: str, description: str) -> str:
    """The page Problems with one dead letter, its group opened."""
    letter = DeadLetter("1", QueueName.LIVE, reason, description, b"{}", "c-1", NOW)
    visit = Visit(WebRequest(Method.GET), User("u", Role.ADMINISTRATOR), locale, NOW)
    groups = [shown(group, visit, is_open=True) for group in groups_of([letter])]
    told = {"count": 1, "several": False, "told": None}
    page = Page("pages/problems.html", {"groups": groups, "choice": Choice(), "filters": FILTERS, **told})
    answer = page_answer(page, visit.request, locale, Role.ADMINISTRATOR, token="t")
    return re.sub("&#39;", "'", answer.body.decode())


@pytest.mark.parametrize(
    ("description", "english", "dutch"),
    [
        (
            LetterText.ABOUT(what="contact:7", text=TEXTS[Reason.NO_EMAIL]),
            "contact:7: There is no e-mail address.",
            "contact:7: Er is geen e-mailadres.",
        ),
        (
            LetterText.ABOUT(
                what="list", text=LetterText.CAUSE(text=TEXTS[Reason.GAVE_UP], cause=ErrorText.NO_JSON(operation="GET"))
            ),
            "an administrator can replay it. The cause: The answer is not JSON: GET",
            "De oorzaak: Het antwoord is geen JSON: GET",
        ),
        (
            LetterText.UNREPORTED(text=TEXTS[Reason.UPDATED], cause=ErrorText.NO_ANSWER(operation="PATCH contacts")),
            "Updated in Spotler. The report of that did not get through: No answer: PATCH contacts",
            "De melding daarvan kwam niet aan: Geen antwoord: PATCH contacts",
        ),
        (
            LetterText.SUBSCRIBER(contact="abc", text=TEXTS[Reason.DEFECT]),
            "Spotler contact abc: The connector itself failed on this record; the log has the details.",
            "Spotler-contact abc: ",
        ),
    ],
    ids=["a record", "a message that gave up", "an outcome without its report", "a contact of Spotler"],
)
def test_the_description_of_a_dead_letter_is_dutch(description: Phrase, english: str, dutch: str) -> None:
    assert english in problems(EN, "gave-up", description)
    assert dutch in problems(NL, "gave-up", description)
    assert english not in problems(NL, "gave-up", description)


def test_what_service_bus_and_earlier_versions_describe() -> None:
    """The words of Service Bus have a sentence of the page in their place, by their code."""
    broker = "Message could not be consumed after 10 delivery attempts."

    assert "De wachtrij leverde het zo vaak af als mag" in problems(NL, "MaxDeliveryCountExceeded", broker)
    assert "10 keer afgeleverd" in problems(NL, "MaxDeliveryCountExceeded", LetterText.DELIVERED(count=10))
    assert broker not in problems(NL, "MaxDeliveryCountExceeded", broker)
    assert "walk: no answer" in problems(NL, "gave-up", "walk: no answer")


@pytest.mark.parametrize(
    ("body", "dutch"),
    [
        (b"\x06RemoteExecutionContext", "Het bericht is binaire XML van .NET. Zet in de Plugin Registration Tool"),
        (b"<a/>", "Het bericht is XML. Zet in de Plugin Registration Tool"),
        (b"\xff\xfe", "Het bericht is geen tekst in UTF-8."),
        (b"hello", "Het bericht is geen JSON. Als Dataverse het stuurde: Zet"),
        (b"[]", "geen RemoteExecutionContext van Dataverse (kijk naar het geheel)"),
        (b"{}", "(kijk naar MessageName, OrganizationId, PrimaryEntityId, PrimaryEntityName)"),
    ],
    ids=["binary", "XML", "not UTF-8", "not JSON", "a list", "another object"],
)
def test_why_a_message_of_another_sender_is_refused_is_dutch(body: bytes, dutch: str) -> None:
    with pytest.raises(NotAnExecutionContext) as refused:
        read_event(body, "", {})

    assert dutch in problems(NL, refused.value.reason, refused.value.description)


def test_why_a_message_of_another_organisation_is_refused_is_dutch() -> None:
    with pytest.raises(NotAnExecutionContext) as refused:
        check_organisation(Origin(ORGANISATION), ids=())

    assert f"Het bericht komt van organisatie {ORGANISATION}, die hier niet" in problems(
        NL, refused.value.reason, refused.value.description
    )


def test_why_a_message_of_a_lane_is_refused_is_dutch() -> None:
    with pytest.raises(LaneMessageError) as refused:
        read_lane_message(b"{}")
    described = LetterText.LANE(queue=QueueName.LIVE, problem=refused.value.text)

    assert described.startswith("Only the connector writes to sync-live: not a message of the connector (message: ")
    assert "Alleen de connector schrijft naar sync-live: geen bericht van de connector (message: " in problems(
        NL, "not-a-lane-message", described
    )


def test_the_remark_under_a_queue_is_dutch() -> None:
    queue = LooseQueue(timedelta(seconds=30), dead_lettering_on_message_expiration=False)
    remark = problem_of(cast("QueueProperties", queue), lock=timedelta(minutes=5))

    assert remark == (
        "lock duration 30 s instead of 300 s; messages that expire vanish: switch dead-lettering on expiry on"
    )
    assert NL.tell(remark).startswith("vergrendelingsduur 30 s in plaats van 300 s; berichten die verlopen verdwijnen")


def test_comments_that_the_connector_writes_are_dutch_and_those_of_people_stay() -> None:
    assert NL.tell(VersionComment.ROLLBACK(number="1234")) == "teruggezet naar versie 1234"
    assert NL.tell(VersionComment.DEFAULTS()) == "standaardrijen hersteld"
    assert NL.tell(Phrase.untranslated("default rows restored")) == "default rows restored"


@pytest.mark.parametrize("with_libyaml", [True, False], ids=["libyaml", "Python"])
@pytest.mark.parametrize(
    ("text", "place", "dutch"),
    [
        ("rows: [a\nb: {", "line 2, column ", "regel 2, kolom "),
        ("a: &x 1\nb: *x", "aliases (*) are not allowed", "aliassen (*) zijn niet toegestaan"),
        ("a: 1\na: 2", "a key twice, or none", "een sleutel die er twee keer staat, of geen"),
        ("[" * 21, "it is nested deeper than 20 levels", "het is dieper genest dan 20 niveaus"),
    ],
    ids=["a bracket", "an alias", "a key twice", "nesting"],
)
def test_where_a_text_is_no_yaml_is_dutch(text: str, place: str, dutch: str, with_libyaml: bool) -> None:  # noqa: FBT001
    with pytest.raises(NotYamlError) as refused:
        load(text, with_libyaml=with_libyaml)

    assert place in str(refused.value)
    assert dutch in NL.tell(refused.value.text)
    assert "line " not in NL.tell(refused.value.text)


def test_the_file_of_a_mapping_that_is_no_yaml_says_where_in_dutch() -> None:
    with pytest.raises(MappingError) as refused:
        read_file(b"rows: [a\nb: {", "prod")
    [defect] = refused.value.defects()

    assert NL.tell(defect).startswith("mapping: dit is geen YAML-document: while parsing a flow ")
    assert "regel 2, kolom " in NL.tell(defect)


def test_a_page_says_what_its_reader_can_do_about_a_refusal_of_mail() -> None:
    """HTTP names the member of the call that lifts it."""
    refusal = sentences(ChoiceRefusal.DO_NOT_EMAIL(), ChoiceRefusal.BULK_EMAIL())
    error = DataError(ChoiceRefusal.REFUSES(refusal=refusal))
    refused = not_decided(error)

    assert 'Send "liftRefusal": true' in error.summary
    text = NL.say(refused.text, **refused.values)
    assert text.startswith(
        f"Niet beslist: {NL.tell(refusal)} Is de inschrijving nieuwer, sta mail dan toe bij het record"
    )
    assert text.endswith("Kies anders: Deze inschrijver voorgoed met rust laten.")
