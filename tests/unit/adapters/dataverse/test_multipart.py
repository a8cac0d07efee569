"""Answers to `$batch` are divided into parts as RFC 2046 says."""

from __future__ import annotations

import pytest

from shared.adapters.dataverse.web_api.multipart import parts, read_part


def bodies(content: bytes, content_type: str = "multipart/mixed; boundary=b") -> list[bytes]:
    return [part.body for part in parts(content_type, content)]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_parts_are_what_stands_between_lines_of_the_boundary(end: bytes) -> None:
    lines = [
        b"preamble",
        b"--b",
        b"A: 1",
        b"",
        b"one",
        b"",
        b"--b  ",
        b"",
        b"two",
        b"--b--",
        b"epilogue",
        b"--b",
        b"",
        b"x",
    ]
    assert bodies(end.join(lines)) == [b"one" + end, b"two"]


@pytest.mark.parametrize("inner", [b"in line --b", b"--bc", b"--b-", b"\r\n --b"])
def test_a_boundary_within_a_line_or_with_more_behind_it_is_a_part_of_the_text(inner: bytes) -> None:
    assert bodies(b"--b\r\n\r\n" + inner + b"\r\n--b--") == [inner]


def test_a_part_without_an_end_counts_as_well() -> None:
    assert bodies(b"--b\r\n\r\none\r\n--b\r\n\r\ntwo") == [b"one", b"two"]


@pytest.mark.parametrize(
    "content_type",
    ['multipart/mixed; boundary="a b"', 'Multipart/Mixed;charset=utf-8; Boundary="a b"'],
)
def test_a_boundary_may_stand_in_quotes(content_type: str) -> None:
    assert bodies(b"--a b\r\n\r\none\r\n--a b--", content_type) == [b"one"]


@pytest.mark.parametrize(
    "content_type", ["", "application/json; boundary=b", "multipart/mixed", "multipart/mixed; boundary="]
)
def test_other_content_has_no_parts(content_type: str) -> None:
    assert bodies(b"--b\r\n\r\none\r\n--b--", content_type) == []


def test_headers_may_be_folded_and_are_found_in_any_case() -> None:
    part = read_part(b"Content-Type: multipart/mixed;\r\n boundary=b\r\nno header\r\n\r\nbody")
    assert (part.content_type, part.headers["content-type"], part.body) == (
        "multipart/mixed; boundary=b",
        "multipart/mixed; boundary=b",
        b"body",
    )


def test_a_part_without_headers_or_body_is_read() -> None:
    assert read_part(b"\r\nbody").body == b"body"
    assert dict(read_part(b"A: 1").headers) == {"a": "1"}
    assert read_part(b"").body == b""
