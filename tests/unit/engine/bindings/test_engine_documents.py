"""Documents of the engine in the state store: those of earlier versions are read, and the format stays."""

from __future__ import annotations

from typing import Any

from shared.domain.consent.changes import ConsentSource
from shared.domain.recovery.circuit import Cause
from shared.engine.guards import circuits
from shared.engine.refusals import suppression_list


def test_an_open_circuit_keeps_its_format() -> None:
    body: dict[str, Any] = {
        "cause": "down",
        "text": "no answer within 10 s",
        "asked": 2.5,
        "opened": "2026-05-01T10:00:00.000001+00:00",
        "pause": 30.0,
        "until": "2026-05-01T10:00:30.000001+00:00",
        "probingUntil": None,
    }
    probing = body | {"probingUntil": "2026-05-01T10:02:30+00:00"}

    read = circuits._circuit(body)

    assert (read.trouble.cause, read.trouble.asked.total_seconds(), read.pause.total_seconds()) == (Cause.DOWN, 2.5, 30)
    assert read.probing_until is None
    assert [circuits._body(circuits._circuit(one)) for one in (body, probing)] == [body, probing]


def test_suppressions_keep_their_format() -> None:
    refused = {"subject": "opt-out", "at": "2026-05-01T10:00:00+00:00", "source": "spotler-opt-out"}
    lifted = {
        "subject": "permissions:4",
        "at": "2026-05-01T10:00:00.500000+00:00",
        "source": "dataverse-row",
        "record": "contact:00000000-0000-0000-0000-000000000001",
        "lifted": "2026-05-02T10:00:00+00:00",
        "liftedBy": "form",
    }
    body = {"refusals": [refused, lifted]}

    read = suppression_list._suppression(body)

    assert [one.is_active for one in read.refusals] == [True, False]
    assert read.refusals[1].lifted_by is ConsentSource.FORM
    assert suppression_list._body(read) == body
