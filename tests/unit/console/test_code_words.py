"""Every code that a page shows has its words."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from shared.console.access.roles import Role
from shared.console.rendering import code_words
from shared.console.routes import ROUTES
from shared.domain.consent.bounces import BounceKind
from shared.domain.consent.changes import ConsentSource, ConsentState
from shared.domain.engagement.mailings import MailingKind
from shared.domain.features.capabilities import Capability
from shared.domain.features.schema_drift import Shift
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.mapping.model import BlankPolicy, ConflictPolicy, Direction
from shared.domain.merging.comparison_window import Span
from shared.domain.records.records import PersonTable
from shared.messages.list_messages import Phase
from shared.ports.queue import QueueName


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (PersonTable, code_words.TABLES),
        (ConsentSource, code_words.SOURCES),
        (ConsentState, code_words.STATES),
        (Capability, code_words.CAPABILITIES),
        (QueueName, code_words.QUEUES),
        (Direction, code_words.DIRECTIONS),
        (ConflictPolicy, code_words.CONFLICTS),
        (BlankPolicy, code_words.BLANKS),
        (Shift, code_words.SHIFTS),
        (Phase, code_words.PHASES),
        (BounceKind, code_words.BOUNCES),
        (ImportTarget, code_words.TARGETS),
        (MailingKind, code_words.MAILING_KINDS),
        (Span, code_words.SPANS),
        ([role.code for role in Role], code_words.ROLES),
        ([*{route.act for route in ROUTES if route.act}, "view-values"], code_words.ACTS),
    ],
    ids=[
        "tables",
        "sources",
        "states",
        "capabilities",
        "queues",
        "directions",
        "conflicts",
        "blanks",
        "shifts",
        "phases of a list",
        "bounces",
        "targets of new subscribers",
        "media of mailings",
        "spans",
        "roles",
        "acts",
    ],
)
def test_every_code_has_its_words(codes: Collection[str], words: Mapping[str, str]) -> None:
    assert set(codes) == words.keys()
