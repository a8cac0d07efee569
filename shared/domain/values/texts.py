"""Characters of a text: invisible ones, their number in Dataverse, and where a text may be cut."""

import re
import unicodedata

_BOUNDED = re.compile(r"[A-Za-z0-9_.:+/={}-]{1,200}")

_NON_JOINER, _JOINER = "\u200c", "\u200d"
_REGIONAL_INDICATORS = range(0x1F1E6, 0x1F200)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)


def visible(text: str) -> str:
    """Remove invisible characters (zero-width spaces, byte order marks, soft hyphens, directions) and outer blanks.

    They come with text copied from web pages. Joiners within the text stay: Persian and emoji need them.
    """
    if text.isascii():
        return text.strip()
    kept = (character for character in text if character in {_NON_JOINER, _JOINER} or not _is_invisible(character))
    return "".join(kept).strip(_OUTER).strip()


def printable(text: str) -> str:
    """Escape unprintable characters, including line ends and ANSI escapes: the text stays one line."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def bounded_id(text: str | None) -> str:
    """Return an id from outside; empty for a text that is no id: too long, or with other characters."""
    return text if text and _BOUNDED.fullmatch(text) else ""


def trimmed(text: str) -> str:
    """Remove invisible characters around a text: blanks, line ends, control characters. Inner ones stay."""
    start, end = 0, len(text)
    while start < end and _is_unseen(text[start]):
        start += 1
    while end > start and _is_unseen(text[end - 1]):
        end -= 1
    return text[start:end]


_OUTER = f"{_NON_JOINER}{_JOINER} \t\r\n\u00a0"


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf"


def _is_unseen(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf"}


def utf16_length(text: str) -> int:
    """Count as Dataverse does: an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """Return the beginning of a text that fits into `limit` UTF-16 units, with whole characters as people see them."""
    if utf16_length(text) <= limit:
        return text
    length, fitting = 0, 0
    for place, character in enumerate(text):
        if _may_break(text, place):
            fitting = place
        length += utf16_length(character)
        if length > limit:
            break
    return text[:fitting].rstrip()


def _may_break(text: str, place: int) -> bool:
    """Whether a character that people see ends before this place: the common cases of Unicode's grapheme clusters."""
    if place == 0:
        return True
    before, after = text[place - 1], text[place]
    if before == _JOINER or after in {_JOINER, _NON_JOINER} or unicodedata.category(after).startswith("M"):
        return False
    if ord(after) in _SKIN_TONES or ord(after) in _TAGS or (before == "\r" and after == "\n"):
        return False
    if _is_flag_letter(before) and _is_flag_letter(after):
        return _flag_letters_before(text, place) % 2 == 0
    return not (_is_jamo(before) and _is_jamo(after))


def _is_flag_letter(character: str) -> bool:
    return ord(character) in _REGIONAL_INDICATORS


def _flag_letters_before(text: str, place: int) -> int:
    count = 0
    while count < place and _is_flag_letter(text[place - 1 - count]):
        count += 1
    return count


def _is_jamo(character: str) -> bool:
    return "\u1100" <= character <= "\u11ff"
