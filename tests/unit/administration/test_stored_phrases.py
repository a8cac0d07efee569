"""Documents keep the templates of their phrases; those of an earlier version are read, and stay English."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from shared.administration.schema_drift import DriftReport, ObservedChange, read_report, report_body
from shared.dispatch.forecasts import _TALLY, Tally
from shared.domain.features.schema_drift import SchemaChange, Shift
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.records.outcomes import FieldProblem
from shared.domain.records.records import PersonTable
from shared.domain.recovery.circuit import opened, trouble_of
from shared.domain.wording.errors import ErrorText
from shared.domain.wording.expectations import Expectation
from shared.domain.wording.findings import DriftText, FindingText
from shared.domain.wording.phrase import Phrase
from shared.domain.wording.stored import template_data
from shared.engine.guards.circuits import _body, _circuit
from shared.errors import Service, TransientError

AT = datetime(2026, 11, 7, 10, tzinfo=UTC)


def test_a_report_of_drift_with_its_phrases() -> None:
    report = DriftReport(
        AT,
        (
            ObservedChange(SchemaChange("contact.fax", Shift.RETYPED, DriftText.TYPE(old="Memo", new="String")), AT),
            ObservedChange(SchemaChange("contact.gendercode", Shift.RENAMED), AT),
        ),
        (Finding(Severity.WARNING, Code.EMPTIES_MANY, FindingText.EMPTIES(name="city", count=12, of=20), 1),),
    )
    body = json.loads(json.dumps(report_body(report)))

    assert read_report(body) == report
    assert read_report(body).findings[0].text.wording is FindingText.EMPTIES
    assert (hint := read_report(body).noticed[0].change.hint) is not None
    assert hint.wording is DriftText.TYPE


def test_a_report_of_drift_of_an_earlier_version_keeps_its_english_texts() -> None:
    body = {
        "at": "2026-11-07T10:00:00+00:00",
        "changes": [
            {"on": "2026-11-07T10:00:00+00:00", "what": "contact.gendercode", "shift": "renamed", "hint": "Sex"},
            {"on": "2026-11-07T10:00:00+00:00", "what": "contact.fax", "shift": "deleted", "hint": ""},
        ],
        "findings": [{"severity": "warning", "code": str(Code.EMPTIES_MANY), "text": "t", "row": 1, "table": "lead"}],
    }
    report = read_report(body)

    assert report.noticed == (
        ObservedChange(SchemaChange("contact.gendercode", Shift.RENAMED, Phrase.untranslated("Sex")), AT),
        ObservedChange(SchemaChange("contact.fax", Shift.DELETED), AT),
    )
    assert report.findings == (
        Finding(Severity.WARNING, Code.EMPTIES_MANY, Phrase.untranslated("t"), 1, PersonTable.LEAD),
    )
    assert report.as_json() == report_body(report) == body, "an answer, and what an earlier version reads, has no more"


def test_problems_of_a_forecast_with_their_templates_or_of_an_earlier_version() -> None:
    text = FieldProblem("born", "bornon", Expectation.DATE()).text
    tally = Tally(problems={str(text): 7}, templates={str(text): template_data(text)})
    body = json.loads(json.dumps(_TALLY.body(tally)))
    earlier = {name: one for name, one in body.items() if name != "templates"}

    assert [(one, one.wording, count) for one, count in _TALLY.read(body).problem_phrases()] == [
        (text, text.wording, 7)
    ]
    assert [(one, one.wording, count) for one, count in _TALLY.read(earlier).problem_phrases()] == [(text, None, 7)]


def test_the_trouble_of_a_circuit_with_its_template_or_of_an_earlier_version() -> None:
    trouble = trouble_of(TransientError(ErrorText.NO_ANSWER(operation="GET contacts"), service=Service.DATAVERSE))
    assert trouble is not None
    body = json.loads(json.dumps(_body(opened(trouble, AT))))
    earlier = {name: one for name, one in body.items() if name not in {"wording", "values"}}

    for stored, wording in ((body, ErrorText.MARKED), (earlier, None)):
        text = _circuit(stored).trouble.text
        assert isinstance(text, Phrase)
        assert (text, text.wording) == ("No answer: GET contacts (dataverse)", wording)
