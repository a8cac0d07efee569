"""A phrase: an English text that keeps the template and the values it was made of, so that others can translate it.

Logs, the command line, HTTP answers and Dataverse use it as the text that it is. A page renders the same template in
its reader's language.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Self


class Grouped(int):
    """A number with thousands signs in English, too."""

    def __str__(self) -> str:
        return f"{int(self):,}"


Part = str | int | tuple[str, ...]
"""A value of a phrase: a name or another phrase, a number, or a list of names or phrases."""


class Wording(StrEnum):
    """Templates by code.

    The value is the English template; values stand in it as `%(name)s`, a percent sign as `%%`.
    """

    def __call__(self, **values: Part) -> "Phrase":
        """Return the phrase with these values; KeyError if one of the template is missing."""
        return Phrase(self, values)


class Phrase(str):
    """The English text of a template with its values. Equal texts are equal phrases; it is stored by `stored.py`."""

    __slots__ = ("values", "wording")

    wording: Wording | None
    """The template; None for a text that has none, such as one that an earlier version stored."""
    values: Mapping[str, Part]

    def __new__(cls, wording: Wording, values: Mapping[str, Part]) -> Self:
        """Render the English text."""
        return cls._made(_filled(wording, values, _as_it_is, str), wording, values)

    @classmethod
    def untranslated(cls, text: str) -> Self:
        """Return a text without a template: it is the same in every language."""
        return cls._made(text, None, {})

    @classmethod
    def _made(cls, text: str, wording: Wording | None, values: Mapping[str, Part]) -> Self:
        made = super().__new__(cls, text)
        made.wording, made.values = wording, values
        return made

    def __reduce__(self) -> tuple[Callable[..., "Phrase"], tuple[str, Wording | None, Mapping[str, Part]]]:
        return self._made, (str(self), self.wording, self.values)

    def told(self, translate: Callable[[str], str], number: Callable[[int], str]) -> str:
        """Return the text in another language: `translate` has the templates, `number` writes numbers."""
        return str(self) if self.wording is None else _filled(self.wording, self.values, translate, number)


class PhraseError(ValueError):
    """An error whose text is a phrase."""

    def __init__(self, text: Phrase) -> None:
        super().__init__(text)
        self.text = text


def either(first: str, *others: str) -> Phrase:
    """Return names or phrases as alternatives: `a or b or c`."""
    return _joined(
        Joined.OR, [one if isinstance(one, Phrase) else Phrase.untranslated(one) for one in (first, *others)]
    )


def series(first: Phrase, *others: Phrase) -> Phrase:
    """Return phrases one after another, with semicolons."""
    return _joined(Joined.THEN, [first, *others])


def sentences(first: Phrase, *others: Phrase) -> Phrase:
    """Return sentences one after another."""
    return _joined(Joined.SENTENCES, [first, *others])


def _joined(wording: Wording, parts: Sequence[Phrase]) -> Phrase:
    """Join phrases two by two, in halves: very many are not nested deeply."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return wording(one=_joined(wording, parts[:middle]), other=_joined(wording, parts[middle:]))


class Joined(Wording):
    """Joins phrases."""

    OR = "%(one)s or %(other)s"
    THEN = "%(one)s; %(other)s"
    SENTENCES = "%(one)s %(other)s"


def _as_it_is(text: str) -> str:
    return text


def _filled(
    wording: Wording, values: Mapping[str, Part], translate: Callable[[str], str], number: Callable[[int], str]
) -> str:
    def shown(part: Part) -> str:
        match part:
            case Phrase():
                return part.told(translate, number)
            case str():
                return str(part)
            case int():
                return number(part)
            case tuple():
                return ", ".join(map(shown, part))

    return translate(wording.value) % {name: shown(part) for name, part in values.items()}
