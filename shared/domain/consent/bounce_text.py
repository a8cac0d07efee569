"""The text of a task for the person who must find the right e-mail address (BNC-09, BNC-12)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from shared.domain.records.outcomes import Reason


class Language(StrEnum):
    """Languages that tasks are written in."""

    DUTCH = "nl"
    ENGLISH = "en"

    @classmethod
    def of(cls, code: int | None) -> Self:
        """Choose by a Windows language code: Dutch for the Netherlands and Belgium, else English."""
        return cls.DUTCH if code in _DUTCH else cls.ENGLISH


_DUTCH = {0x0413, 0x0813}


@dataclass(frozen=True, slots=True)
class TaskText:
    """Subject and description of a task; no address in it, the record has that."""

    subject: str
    description: str


def task_text(reason: Reason, language: Language) -> TaskText:
    """Write a task about an address that does not work."""
    opening = (_HARD if reason is Reason.HARD_BOUNCE else _SOFT)[language]
    return TaskText(_SUBJECTS[language], f"{opening} {_WHAT_TO_DO[language]}")


_SUBJECTS = {
    Language.DUTCH: "E-mailadres werkt niet: graag corrigeren",
    Language.ENGLISH: "E-mail address does not work: please correct it",
}
_HARD = {
    Language.DUTCH: "Een mailing aan deze persoon kwam terug: het e-mailadres bestaat niet of is onjuist.",
    Language.ENGLISH: "A mailing to this person came back: the e-mail address does not exist or is wrong.",
}
_SOFT = {
    Language.DUTCH: "Mailings aan deze persoon kwamen vier keer terug: de mailbox is vol of niet bereikbaar.",
    Language.ENGLISH: "Mailings to this person came back four times: the mailbox is full or cannot be reached.",
}
_WHAT_TO_DO = {
    Language.DUTCH: "Spotler stuurt daarom geen mailings meer naar dit adres. Vraag naar het juiste e-mailadres en pas "
    "het aan; deze taak wordt dan vanzelf voltooid. Is het adres toch goed, voltooi de taak dan zelf: er komt voor dit "
    "adres geen nieuwe.",
    Language.ENGLISH: "Spotler therefore sends no more mailings to this address. Please ask for the right address "
    "and change it; this task is then completed by itself. If the address is right after all, complete the task "
    "yourself: there will be no other one for this address.",
}
