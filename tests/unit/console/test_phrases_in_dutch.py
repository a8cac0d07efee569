"""What the domain finds and expects is Dutch on Dutch pages: findings, fields of the mapping form, values, refusals."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.adapters.dataverse.web_api.faults import lost
from shared.adapters.dataverse.writeback.refusals import refusal
from shared.adapters.workbook.cells import CellError, read_choices
from shared.adapters.workbook.files import read_file
from shared.console.access.roles import Role
from shared.console.answers import page_answer
from shared.console.messages import failed
from shared.console.pages.mapping.proposal import form
from shared.console.pages.mapping.versions import SEVERITIES
from shared.console.rendering.locale import Locale
from shared.console.rendering.templates import render
from shared.console.rendering.words import said
from shared.console.web import Method, WebRequest
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.formats.document import MappingError, read_mapping
from shared.domain.records.marketing_contact import PropertyType
from shared.domain.records.outcomes import FieldProblem, Side
from shared.domain.records.records import PersonTable
from shared.domain.values.values import Misfit, convert
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.domain.wording.causes.state_causes import StateCause
from shared.domain.wording.causes.work_causes import WorkCause
from shared.domain.wording.errors import ErrorText, cause_of
from shared.domain.wording.expectations import DisputeText, Expectation, LossText, UnreadText
from shared.domain.wording.findings import FilterCure, FindingText, GapText, PairText
from shared.domain.wording.phrase import Phrase, either
from shared.errors import ConfigurationError, ConnectorError, DataError, Service, TransientError
from shared.lists.list_targets import refusal as refusal_of_list
from tests.unit.console.test_rendering import EN, NL, NOW

FINDINGS: dict[Code, tuple[Phrase, str]] = {
    Code.UNKNOWN_TABLE: (
        GapText.NO_TABLE(table="nothing"),
        "De tabel nothing bestaat niet in Dataverse: verbeter of verwijder de rij",
    ),
    Code.UNKNOWN_COLUMN: (
        GapText.NO_COLUMN(table="contact", column="hobby"),
        "contact heeft geen kolom hobby: verbeter of verwijder de rij",
    ),
    Code.UNKNOWN_LOOKUP: (
        GapText.LEADS_ELSEWHERE(
            lookup="contact.ownerid", table="account", cure=GapText.LEADS_TO(tables=("systemuser", "team"))
        ),
        "contact.ownerid verwijst niet naar account: de kolom verwijst naar systemuser, team",
    ),
    Code.AMBIGUOUS_LOOKUP: (
        GapText.SEVERAL_LOOKUPS(child="task", choices=either("@child(task.a)", "@child(task.b)")),
        "Meerdere opzoekkolommen van task verwijzen hierheen: schrijf @child(task.a) of @child(task.b)",
    ),
    Code.QUERY_NOT_ALLOWED: (
        GapText.QUERY(problem="$top"),
        "De query kan niet worden gebruikt: $top",
    ),
    Code.UNKNOWN_PROPERTY: (
        FindingText.NO_PROPERTY(name="town", cure=FindingText.WRITE_NAME(name="city")),
        "Spotler heeft geen veld met de naam town: schrijf city",
    ),
    Code.UNKNOWN_OPTION: (
        FindingText.NO_OPTION(name="interests", column="gendercode", value="100000001"),
        "interests heeft geen optie voor gendercode = 100000001",
    ),
    Code.UNKNOWN_LANGUAGE: (
        FindingText.NO_LANGUAGE(language="1031", known=("1033", "1043")),
        "Geen label in Dataverse is in taal 1031: schrijf een van 1033, 1043, of geen",
    ),
    Code.COMPARISON: (
        FindingText.FILTER_NEVER(
            table="contact",
            column="birthdate",
            place=FindingText.IN_LIST(number=2),
            cure=FilterCure.DAY(),
        ),
        "vergelijkt birthdate met een waarde die daar nooit in staat (nr. 2 van de lijst): schrijf een datum",
    ),
    Code.CONVERSION: (
        FindingText.CANNOT_FILL_COLUMN(name="born", type="DATE", column="ownerid", reason=PairText.NO_MEANING()),
        "born (DATE) kan ownerid niet vullen: het ene heeft geen betekenis in het andere",
    ),
    Code.FIXED_VALUE: (
        FindingText.FIXED_MISFIT(name="born", expected=Expectation.DATE()),
        "born verwacht een datum: verbeter de vaste waarde",
    ),
    Code.READ_ONLY: (
        FindingText.READ_ONLY(column="fullname"),
        "Dataverse staat geen wijziging van fullname toe",
    ),
    Code.DUPLICATE_TARGET: (
        FindingText.DOUBLE_TARGET(column="fax"),
        "Meerdere rijen schrijven naar fax",
    ),
    Code.CIRCLE: (
        FindingText.CIRCLE(way="lead.fax → phone → lead.fax"),
        "Rijen in één richting vormen een kring: lead.fax → phone → lead.fax",
    ),
    Code.REQUIRED_UNMAPPED: (
        FindingText.REQUIRED(table="contact", columns=("lastname",)),
        "missen wat contact vereist: neem ook lastname in de mapping op",
    ),
    Code.STEP_MISSING: (
        FindingText.NO_STEP(messages=("Create", "Merge"), table="contact"),
        "Geen stap meldt de connector Create, Merge van contact",
    ),
    Code.COLUMN_WITHOUT_STEP: (
        FindingText.STEP_WITHOUT_COLUMN(table="contact", columns=("fax",)),
        "De stap voor Update van contact merkt niets van fax",
    ),
    Code.UNSEEN_CHANGES: (
        FindingText.UNSEEN(sources=("ownerid().fullname",)),
        "Wijzigingen van ownerid().fullname worden niet meteen gezien",
    ),
    Code.PROTECTED_ROW: (
        FindingText.PROTECTED(name="Type"),
        "Spotler heeft het veld Type en geen rij vult het",
    ),
    Code.PERMISSIONS_UNMAPPED: (
        FindingText.NO_PERMISSIONS(table="lead", property="permissions"),
        "Geen rij brengt permissies van lead naar Spotler",
    ),
    Code.TOO_LONG: (
        FindingText.FIXED_TOO_LONG(column="description", most=4000),
        "description heeft plaats voor 4.000 tekens",
    ),
    Code.TABLE_REFUSED: (
        FindingText.TABLE_REFUSED(source="ownerid().fullname", table="systemuser", privilege="prvReadUser"),
        "de rol van de connector in Dataverse mist prvReadUser: voeg Lezen op systemuser, voor alle rijen, toe",
    ),
    Code.TABLE_PARTLY_REFUSED: (
        FindingText.TABLE_PARTLY_REFUSED(source="ownerid().fullname", table="systemuser", privilege="prvReadUser"),
        "breid prvReadUser uit tot de hele organisatie",
    ),
    Code.RIGHTS_UNKNOWN: (
        FindingText.RIGHTS_UNKNOWN(tables=("systemuser", "team")),
        "Dataverse vertelt niet of de connector systemuser, team mag lezen",
    ),
    Code.EMPTIES_MANY: (
        FindingText.EMPTIES(name="city", count=12, of=20),
        "city zou in Spotler worden leeggemaakt voor 12 van 20 records in een steekproef",
    ),
    Code.ENDS_MANY: (
        FindingText.ENDS(count=15, of=20),
        "Het filter zou in een steekproef 15 van 20 records uit Spotler halen die er nu in staan",
    ),
}


def page(locale: Locale, findings: list[Finding]) -> str:
    """The check of a proposal, as its page shows it."""
    values = {
        "findings": findings,
        "severities": SEVERITIES,
        "codes": [],
        "errors": findings,
        "report": None,
        "role": Role.ADMINISTRATOR,
        "Role": Role,
        "token": "t",
    }
    text = render("parts/mapping_effect.html", locale, NOW, values)
    return re.sub(r"&#?\w+;", lambda found: {"&gt;": ">", "&lt;": "<", "&#39;": "'", "&#34;": '"'}[found[0]], text)


def test_a_dutch_page_has_every_kind_of_finding_in_dutch() -> None:
    findings = [Finding(Severity.WARNING, code, text, 2, PersonTable.LEAD) for code, (text, _) in FINDINGS.items()]
    dutch, english = page(NL, findings), page(EN, findings)

    assert FINDINGS.keys() == set(Code)
    assert [text for _, text in FINDINGS.values() if text not in dutch] == []
    assert [one.text for one in findings if one.text in dutch or one.text.replace("4000", "4,000") not in english] == []


def test_the_form_of_a_row_says_in_dutch_what_is_wrong_with_a_field() -> None:
    rows: list[dict[str, Any]] = [
        {"spotler": "email", "contact": "emailaddress1"},
        {"spotler": "city", "contact": "@nonsense(7", "direction": "up"},
        {"spotler": "jobTitle"},
    ]
    with pytest.raises(MappingError) as refused:
        read_mapping({"version": 1, "rows": rows})

    shown = form("2", rows[1], refused.value.defects())
    answer = page_answer(shown, WebRequest(Method.POST), NL, Role.ADMINISTRATOR, token="t")
    text = answer.body.decode().replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")

    assert "Dit is nog niet bewaard. Verbeter:" in text
    assert "rij 2 contact: '@nonsense(7', positie 1: verwacht wordt $CustomerType, $value:…, @map(…)" in text
    assert "rij 2 direction: Dit moet '->', '<-' of '<->' zijn" in text
    assert "rij 3: een rij heeft een kolom voor contact, lead, account of entity nodig" in text


def test_what_a_field_expects_is_dutch() -> None:
    misfit = convert("soon", None, PropertyType.DATE)
    assert isinstance(misfit, Misfit)
    column = FieldProblem("born", "bornon", misfit.expected)

    assert NL.say(said("expects %(expected)s"), expected=misfit.expected) == "verwacht een datum"
    assert NL.tell(column.text) == "bornon: born van Spotler verwacht een datum"
    assert str(column) == "bornon: Spotler's born expects a date"


@pytest.mark.parametrize(
    ("problem", "dutch"),
    [
        (
            FieldProblem("city", "fax", Expectation.AT_MOST(most=4000), side=Side.DATAVERSE),
            "city van Spotler: fax verwacht hoogstens 4.000 tekens",
        ),
        (FieldProblem("price", "revenue", loss=LossText.CENTS()), "revenue: afgerond op centen voor price van Spotler"),
        (
            FieldProblem("city", "fax", dispute=DisputeText.ASKED()),
            "fax (city van Spotler) is aan beide kanten gewijzigd; maak ze gelijk",
        ),
        (
            FieldProblem("owner", "ownerid", unread=UnreadText.PERIODIEK()),
            "ownerid (owner van Spotler) kan niet worden gelezen: de controle van de mapping zegt wat er ontbreekt",
        ),
    ],
    ids=["too long", "a loss", "disputed", "unread"],
)
def test_a_problem_of_a_value_is_dutch(problem: FieldProblem, dutch: str) -> None:
    assert NL.tell(problem.text) == dutch


def test_a_file_that_is_no_mapping_and_a_cell_say_so_in_dutch() -> None:
    with pytest.raises(MappingError) as no_mapping:
        read_file(b"\xff", "prod")
    with pytest.raises(CellError) as cell:
        read_choices("1")

    assert [NL.tell(one) for one in no_mapping.value.defects()] == [
        "mapping: dit is geen YAML in UTF-8 en ook geen werkmap (.xlsx)"
    ]
    assert NL.tell(cell.value.text) == "'1': schrijf één vertaling per regel, zoals 1 = M"


def test_why_a_service_gave_no_answer_is_dutch() -> None:
    """With its marks, which are codes."""
    error = lost("GET contacts", repeatable=True)

    assert str(error) == cause_of(error) == "No answer: GET contacts (dataverse)"
    assert NL.tell(failed(error).values["cause"]) == "Geen antwoord: GET contacts (dataverse)"
    assert NL.tell(cause_of(DataError("said elsewhere", code="code"))) == "said elsewhere (code)"


@pytest.mark.parametrize(
    ("error", "dutch"),
    [
        (
            refusal(DataError("Dataverse refused", code="0x80040217", detail="city is too long", status=400), {"city"}),
            "Dataverse weigerde het record: city (HTTP 400 0x80040217)",
        ),
        (
            ConfigurationError(StateCause.KEY_FORMER(), service=Service.STATE),
            "FINGERPRINT_KEY is een vorige sleutel: stel de huidige in, en start de app opnieuw (state)",
        ),
        (
            ConfigurationError(WorkCause.TARGET_OFF(target="lead", table="lead")),
            "NEW_SUBSCRIBER_TARGET is lead, maar lead staat niet in SYNC_TABLES",
        ),
        (TransientError(SpotlerCause.NOT_TAKEN(), code="ERROR"), "Spotler nam een contact niet aan (ERROR)"),
        (
            TransientError(WorkCause.NOT_IN_TIME(what=WorkCause.REFERENCES(count=1200))),
            "1.200 verwijzingen: niet op tijd klaar",
        ),
    ],
)
def test_a_rare_cause_is_dutch(error: ConnectorError, dutch: str) -> None:
    assert NL.tell(failed(error).values["cause"]) == dutch


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("Audience is locked", "Spotler weigerde audience.create. Audience is locked"),
        ("", "Spotler weigerde audience.create."),
    ],
)
def test_why_a_list_is_refused_is_dutch_and_quotes_what_spotler_answered(detail: str, told: str) -> None:
    error = DataError(ErrorText.SPOTLER_REFUSED(operation="audience.create"), code="LOCKED", detail=detail)

    code, text = refusal_of_list(error) or ("", "")

    assert (code, text) == ("LOCKED", f"Spotler refused audience.create. {detail}".strip())
    assert NL.tell(text) == told
