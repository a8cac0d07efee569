"""The tokens that expressions and filters are made of, and the error that points at one of them."""

import re
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.wording.defects import Syntax
from shared.domain.wording.phrase import PhraseError


class ExpressionError(PhraseError):
    """The text is no expression or filter. `position` counts characters from 0; `expected` could follow there."""

    def __init__(self, text: str, position: int, expected: str) -> None:
        """`expected` is a phrase, or signs that are the same in every language."""
        where = {"excerpt": _excerpt(text, position), "position": str(position + 1)}
        super().__init__(Syntax.EXPECTED(**where, expected=expected))
        self.position = position
        self.expected = expected


class TokenKind(StrEnum):
    """The kind of a token."""

    NAME = "name"
    """A logical name or a keyword. Dataverse's logical names are lower case; schema names are read as such."""
    WORD = "word"
    """A special value: `@concat`, `$CustomerType`."""
    TEXT = "text"
    NUMBER = "number"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A part of the text. `text` is its meaning: unquoted, names as written."""

    kind: TokenKind
    text: str
    position: int


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<word>[@$][A-Za-z]+)
    | "(?P<text>[^"]*(?:""[^"]*)*)"
    | (?P<number>-?[0-9]{1,30}(?:\.[0-9]{1,30})?)
    | (?P<symbol><>|[().,;=])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_EXCERPT = 60
_DEEPEST = 20
"""The deepest nesting: deeper than people write, less than Python can follow."""


class Tokens:
    """Walks through a text, one token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._end = 0
        self._next = self._read()

    @property
    def next(self) -> Token:
        """The next token, which is not taken."""
        return self._next

    def take(self) -> Token:
        """Step over the token that comes now."""
        token = self._next
        self._next = self._read()
        return token

    def comes(self, *symbols: str) -> bool:
        """Whether one of these symbols comes now."""
        return self._next.kind is TokenKind.SYMBOL and self._next.text in symbols

    def comes_keyword(self, keyword: str) -> bool:
        """Whether this keyword comes now, in any case."""
        return self._next.kind is TokenKind.NAME and self._next.text.lower() == keyword

    def take_symbol(self, symbol: str) -> bool:
        """Step over a symbol if it comes now."""
        if self.comes(symbol):
            self.take()
            return True
        return False

    def expect(self, symbol: str, expected: str = "") -> None:
        """Step over a symbol that must come now."""
        if not self.take_symbol(symbol):
            raise self.error(expected or symbol)

    def name(self, expected: str) -> str:
        """Step over a logical name."""
        if self._next.kind is not TokenKind.NAME:
            raise self.error(expected)
        return self.take().text.lower()

    def end(self, expected: str) -> None:
        """Require the end of the text."""
        if self._next.kind is not TokenKind.END:
            raise self.error(expected)

    def enter(self) -> None:
        """Go one level deeper."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.error(Syntax.NESTING(most=_DEEPEST))

    def leave(self) -> None:
        """Come back from a level."""
        self._depth -= 1

    def error(self, expected: str) -> ExpressionError:
        """Make the error for the token that comes now."""
        return ExpressionError(self._text, self._next.position, expected)

    def _read(self) -> Token:
        match = _TOKEN.match(self._text, self._end)
        if match is None:
            begin = self._blanks_until()
            is_open = self._text[begin] == '"'
            raise ExpressionError(self._text, begin, Syntax.CLOSING_QUOTE() if is_open else Syntax.TOKEN())
        kind = TokenKind(str(match.lastgroup))
        self._end = match.end()
        text = match[kind.value]
        begin = match.start(kind.value)
        if kind is TokenKind.TEXT:
            return Token(kind, text.replace('""', '"'), begin - 1)
        return Token(kind, text, begin)

    def _blanks_until(self) -> int:
        rest = self._text[self._end :]
        return self._end + len(rest) - len(rest.lstrip())


def _excerpt(text: str, position: int) -> str:
    if len(text) <= _EXCERPT:
        return repr(text)
    begin = max(0, position - _EXCERPT // 2)
    return f"…{text[begin : begin + _EXCERPT]!r}…"
