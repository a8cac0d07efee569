"""Checks fingerprint keys: long, random, and no placeholder. Pure."""

SHORTEST = 16
FEWEST_DIFFERENT = 6
"""Sixteen random hexadecimal digits have fewer different ones once in 30,000 times; a repeated word often has."""

_PLACEHOLDERS = {"<": ">", "{": "}", "[": "]", "$": ")"}
"""The brackets of placeholders in samples, the last character by the first."""

_MAKE_ONE = 'Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"'


def key_problem(key: str) -> str:
    """Return what is wrong with a key, without any part of it; "" if it is valid."""
    text = key.strip()
    if len(text) < SHORTEST:
        return f"is missing or shorter than {SHORTEST} characters. {_MAKE_ONE}"
    if _PLACEHOLDERS.get(text[0]) == text[-1]:
        return f"is a placeholder. {_MAKE_ONE}"
    if len(set(text)) < FEWEST_DIFFERENT:
        return f"has fewer than {FEWEST_DIFFERENT} different characters, so it could be guessed. {_MAKE_ONE}"
    return ""
