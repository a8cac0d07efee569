"""Calls of Mail+ whose paths and bodies are not published: the table to correct once they are.

They are modelled on similar published calls. `capabilities` keeps them switched off for a real account until a check
has proven them.
"""

import re
from dataclasses import dataclass
from typing import Any

from shared.adapters.spotler.rest.paths import segment
from shared.adapters.spotler.rest.transport import CallRepetition, SpotlerCall
from shared.domain.features.capabilities import Capability

_PARAMETER = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Assumption:
    """The assumed form of one call; `path` has its parameters in braces."""

    capability: Capability
    operation: str
    method: str
    path: str

    def call(
        self, *segments: str, body: Any = None, repetition: CallRepetition = CallRepetition.HARMLESS, method: str = ""
    ) -> SpotlerCall:
        """Fill in the path, encoded, in the order of its parameters. `method` replaces the usual method.

        DataError for a segment that would change the path.
        """
        encoded = iter([segment(name) for name in segments])
        return SpotlerCall(
            self.operation,
            method or self.method,
            _PARAMETER.sub(lambda _: next(encoded), self.path),
            body=body,
            fixed_path=not segments,
            repetition=repetition,
        )


TAG_LIST = Assumption(Capability.TAGS, "tag.list", "GET", "/tag/list")
TAG_CREATE = Assumption(Capability.TAGS, "tag.create", "POST", "/tag")
TAGS_OF_CONTACT = Assumption(Capability.TAGS, "contact.tags", "GET", "/contact/{externalId}/tag")
TAGS_ADD = Assumption(Capability.TAGS, "contact.add-tags", "POST", "/contact/{externalId}/tag")
TAG_REMOVE = Assumption(Capability.TAGS, "contact.remove-tag", "DELETE", "/contact/{externalId}/tag/{tag}")
SCORE = Assumption(Capability.SCORES, "contact.score", "PUT", "/contact/{externalId}/score")
AUTOMATION_LIST = Assumption(Capability.AUTOMATION_LIST, "automation.list", "GET", "/automation/list")
AUTOMATION_STOP = Assumption(Capability.AUTOMATION_STOP, "automation.stop", "POST", "/automation/{automationId}/stop")
AUTOMATION_RUN_STOP = Assumption(
    Capability.AUTOMATION_STOP, "automation.stop-run", "POST", "/automation/stop/{automationContactId}"
)

AUTOMATION_FIELDS_KEY = "automationFields"
"""The member for fields, in addition to the published body of `POST /automation/trigger/{triggerCode}`."""
