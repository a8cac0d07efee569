r"""Keys of documents as keys of Azure Tables, in the same order.

Tables forbids `/`, `\`, `#` and `?` in keys, and `%` is unsafe in transit
(https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model). Each of these
characters is written as its predecessor in ASCII followed by `1`; the predecessor is written with a `0`. So `.` becomes
`.0` and `/` becomes `.1`: both still sort between `-` and `0`, so scans keep the order of the original keys.
"""

_FORBIDDEN = r"/\#?%"
_LEADS = {chr(ord(character) - 1) for character in _FORBIDDEN}

# Escaped, too, so that `~~` sorts after every key.
_LAST = "~"

_ESCAPES = (
    {character: f"{chr(ord(character) - 1)}1" for character in _FORBIDDEN}
    | {lead: f"{lead}0" for lead in _LEADS}
    | {_LAST: f"{_LAST}0"}
)
_TABLE = str.maketrans(_ESCAPES)
_ORIGINALS = {escape: character for character, escape in _ESCAPES.items()}


def escape_key(text: str) -> str:
    """Escape printable ASCII for Tables."""
    return text.translate(_TABLE)


def unescape_key(escaped: str) -> str:
    """Return the text that `escape_key` escaped."""
    characters = iter(escaped)
    return "".join(
        _ORIGINALS[character + next(characters)] if character in _LEADS or character == _LAST else character
        for character in characters
    )


def prefix_bounds(prefix: str) -> tuple[str, str]:
    """Return the bounds of the escaped keys that start with `prefix`; the second one is not included."""
    escaped = escape_key(prefix)
    return escaped, f"{escaped}{_LAST}{_LAST}"
