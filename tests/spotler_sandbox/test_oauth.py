"""The sandbox's verifier of OAuth 1.0a: rules, worked examples, and oauthlib's provider as a second opinion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, quote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1 import Client, RequestValidator, SignatureOnlyEndpoint

from shared.local.spotler_sandbox.http.oauth import (
    Refusal,
    RefusedError,
    SignedRequest,
    Verifier,
    authorization_parameters,
    base_string,
    signature,
)

KEY, SECRET = "dpf43f3p2l4k3l03", "kd94hf93k423kf44"
NONCE, TIMESTAMP = "kllo9940pd9333jh", 1700000000
NOW = datetime.fromtimestamp(TIMESTAMP, UTC)
HOST = "https://restapi.mailplus.nl"
DAY = "fromDate=2024-01-01T00%3A00%3A00%2B01%3A00&toDate=2024-01-02T00%3A00%3A00%2B01%3A00"


class Provider(RequestValidator):
    """oauthlib's provider side with one client and no memory of nonces."""

    enforce_ssl = False
    client_key_length = (1, 100)
    nonce_length = (1, 100)
    timestamp_lifetime = 10**12
    dummy_client = "nobody"

    def validate_timestamp_and_nonce(self, *_args: object, **_marks: object) -> bool:
        return True

    def validate_client_key(self, client_key: str, _request: object) -> bool:
        return client_key == KEY

    def get_client_secret(self, _client_key: str, _request: object) -> str:
        return SECRET


def request(method: str, url: str, authorization: str | None) -> SignedRequest:
    parts = urlsplit(url)
    return SignedRequest(method, parts.scheme, parts.netloc, parts.path, parts.query, authorization)


def signed(method: str, url: str, **options: str) -> SignedRequest:
    client = Client(KEY, **{"client_secret": SECRET, "nonce": NONCE, "timestamp": str(TIMESTAMP), **options})
    return request(method, url, client.sign(url, http_method=method)[1]["Authorization"])


def verifier(*, tolerance: timedelta | None = timedelta(seconds=300), refuse_replays: bool = True) -> Verifier:
    return Verifier(KEY, SECRET, tolerance, refuse_replays)


def refusal(candidate: SignedRequest, knows: Verifier | None = None, now: datetime = NOW) -> Refusal | None:
    try:
        (knows or verifier()).verify(candidate, now=now)
    except RefusedError as error:
        return error.refusal
    return None


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("GET", f"{HOST}/integrationservice-1.1.0/contact/properties/list", "mLpswKq2+pepSnu+NUo7yQzHQkw="),
        (
            "GET",
            f"{HOST}/integrationservice/contact/updates/list?{DAY}&pageSize=100",
            "vG6FXhsu26gTlBYRtBlVwbBy4RM=",
        ),
        (
            "GET",
            f"{HOST}/integrationservice/contact/search?pageSize=1&MPSearchQuery=email%3Dj.doe%2Btest%40example.com",
            "fUduCenBh/fEAS/nvt16UfN4CEE=",
        ),
        ("POST", f"{HOST}/integrationservice-1.1.0/contact", "yOXK+dL+p70BcFJvhHvPhNChdMg="),
        ("PUT", f"{HOST}/integrationservice-1.1.0/contact/cust%2042%2Fa", "oTvD7LhXI2cIommDdBbeZDWzo1g="),
        (
            "GET",
            "http://127.0.0.1:8080/integrationservice-1.1.0/mailing?fromDate=2024-01-01&toDate=2024-03-01",
            "TXVPZdymRQB3MHamf+kZ+vN1MCQ=",
        ),
        (
            "GET",
            f"{HOST}/integrationservice/contact/search?pageSize=10&MPSearchQuery=email%3Da+b%2Bc%40d.nl",
            "bEG93O/4CjYlZtvmkY3tIVL2/y4=",
        ),
    ],
)
def test_the_worked_examples_are_signed_as_computed(method: str, url: str, expected: str) -> None:
    oauth = {
        "oauth_consumer_key": KEY,
        "oauth_nonce": NONCE,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(TIMESTAMP),
        "oauth_version": "1.0",
    }
    assert signature(base_string(request(method, url, None), oauth), SECRET) == expected


def test_the_base_string_holds_the_query_encoded_twice() -> None:
    url = f"{HOST}/integrationservice/contact/updates/list?fromDate=2024-01-01T00%3A00%3A00%2B01%3A00"
    assert base_string(request("GET", url, None), {"oauth_nonce": "n"}) == (
        "GET&https%3A%2F%2Frestapi.mailplus.nl%2Fintegrationservice%2Fcontact%2Fupdates%2Flist"
        "&fromDate%3D2024-01-01T00%253A00%253A00%252B01%253A00%26oauth_nonce%3Dn"
    )


def test_an_example_of_another_client_is_signed_as_there() -> None:
    oauth = {
        "oauth_consumer_key": "key",
        "oauth_nonce": "meMW5KBOXmcs8gZ0C2YplIne0gKAo1Au",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "1646405666",
        "oauth_version": "1.0",
    }
    candidate = request("GET", "http://localhost:3000/api/v1/campaigns", None)
    assert signature(base_string(candidate, oauth), "secret") == "Hef0lrl3BKMDyiE4zGLlwcr4VXo="


WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
SEGMENTS = st.lists(WORDS.map(lambda word: quote(word, safe="")), max_size=3)
ENCODERS = st.sampled_from([quote_plus, lambda word: quote(word, safe="")])
PAIRS = st.lists(
    st.builds(lambda name, value, encode: f"{encode(name)}={encode(value)}", WORDS, WORDS, ENCODERS), max_size=4
)
URLS = st.builds(
    lambda host, segments, pairs: (
        f"{host}/integrationservice/{'/'.join(segments)}{'?' if pairs else ''}{'&'.join(pairs)}"
    ),
    st.sampled_from([HOST, "http://127.0.0.1:8080", "https://RestAPI.mailplus.nl:443"]),
    SEGMENTS,
    PAIRS,
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE"])


@given(method=METHODS, url=URLS, other=URLS, honest=st.booleans())
def test_oauthlibs_provider_agrees_on_what_is_signed_rightly(method: str, url: str, other: str, honest: bool) -> None:  # noqa: FBT001  # drawn by Hypothesis
    candidate = signed(method, url)
    target = url if honest else other
    parts = urlsplit(target)
    presented = SignedRequest(method, parts.scheme, parts.netloc, parts.path, parts.query, candidate.authorization)
    theirs, _ = SignatureOnlyEndpoint(Provider()).validate_request(
        target, method, body=None, headers={"Authorization": candidate.authorization}
    )
    assert (refusal(presented) is None) == theirs
    if honest:
        assert theirs


def signed_in_query(method: str, url: str) -> str:
    options = {"client_secret": SECRET, "nonce": NONCE, "timestamp": str(TIMESTAMP), "signature_type": "QUERY"}
    return str(Client(KEY, **options).sign(url, http_method=method)[0])


@given(method=METHODS, url=URLS, other=METHODS)
def test_oauthlibs_provider_agrees_on_what_is_signed_in_the_query(method: str, url: str, other: str) -> None:
    target = signed_in_query(method, url)
    theirs, _ = SignatureOnlyEndpoint(Provider()).validate_request(target, other, body=None, headers={})
    assert (refusal(request(other, target, None)) is None) == theirs == (method == other)


def test_oauth_fields_in_the_query_are_judged_as_those_in_the_header() -> None:
    target = signed_in_query("GET", f"{HOST}/integrationservice/mailing?fromDate=2024-01-01")
    knows = verifier()
    assert [refusal(request("GET", target, None), knows) for _ in range(2)] == [None, Refusal.REPLAYED]
    assert refusal(request("GET", f"{target}&toDate=2024-02-01", None)) is Refusal.BAD_SIGNATURE
    assert refusal(request("GET", f"{target}&oauth_nonce=2", None)) is Refusal.NO_CREDENTIALS
    assert refusal(request("GET", target.replace(KEY, "stranger"), None)) is Refusal.UNKNOWN_KEY
    assert refusal(request("GET", target, "Basic abc")) is Refusal.NO_CREDENTIALS


@pytest.mark.parametrize("token", [None, ""])
def test_a_missing_version_and_an_empty_token_are_fine(token: str | None) -> None:
    oauth = {
        "oauth_consumer_key": KEY,
        "oauth_nonce": NONCE,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(TIMESTAMP),
        **({} if token is None else {"oauth_token": token}),
    }
    candidate = request("GET", f"{HOST}/integrationservice/templist", None)
    oauth["oauth_signature"] = signature(base_string(candidate, oauth), SECRET)
    # The signature is left as it is, with its `+`, `/` and `=`: some clients do so.
    header = "OAuth " + ",".join(f'{name}="{value}"' for name, value in {"realm": "", **oauth}.items())
    assert refusal(request("GET", f"{HOST}/integrationservice/templist", header)) is None


def test_the_default_port_and_the_case_of_the_host_do_not_matter() -> None:
    header = signed("GET", "https://restapi.mailplus.nl/integrationservice/tag/list").authorization
    assert refusal(request("GET", "https://RestAPI.mailplus.nl:443/integrationservice/tag/list", header)) is None
    assert refusal(request("GET", "https://restapi.mailplus.nl:444/integrationservice/tag/list", header)) is (
        Refusal.BAD_SIGNATURE
    )


def test_a_query_that_was_not_signed_is_refused() -> None:
    header = signed("GET", f"{HOST}/integrationservice/mailing").authorization
    tampered = request("GET", f"{HOST}/integrationservice/mailing?fromDate=2024-01-01", header)
    assert refusal(tampered) is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize(
    "header",
    [None, "", "Basic abc", "OAuth", "OAuth nonsense", 'OAuth oauth_nonce="1", oauth_nonce="2"', 'OAuth realm=""'],
)
def test_an_incomplete_oauth_header_has_no_credentials(header: str | None) -> None:
    assert refusal(request("GET", f"{HOST}/integrationservice/templist", header)) is Refusal.NO_CREDENTIALS


def test_another_key_another_secret_another_method_and_another_version_are_refused() -> None:
    url = f"{HOST}/integrationservice/templist"
    stranger = Client("stranger", client_secret=SECRET, timestamp=str(TIMESTAMP)).sign(url)[1]["Authorization"]
    assert refusal(request("GET", url, stranger)) is Refusal.UNKNOWN_KEY
    assert refusal(signed("GET", url, client_secret="wrong")) is Refusal.BAD_SIGNATURE
    assert refusal(signed("GET", url, signature_method="HMAC-SHA256")) is Refusal.BAD_METHOD
    header = str(signed("GET", url).authorization).replace('oauth_version="1.0"', 'oauth_version="2.0"')
    assert refusal(request("GET", url, header)) is Refusal.BAD_VERSION


@pytest.mark.parametrize(("seconds", "passes"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_the_clock_may_differ_by_five_minutes(seconds: int, passes: bool) -> None:  # noqa: FBT001  # a row of the table
    candidate = signed("GET", f"{HOST}/integrationservice/templist")
    assert (refusal(candidate, now=NOW + timedelta(seconds=seconds)) is None) == passes


def test_without_a_tolerance_any_timestamp_passes() -> None:
    candidate = signed("GET", f"{HOST}/integrationservice/templist")
    assert refusal(candidate, verifier(tolerance=None), NOW + timedelta(days=400)) is None


def test_a_request_passes_once_unless_replays_are_allowed() -> None:
    candidate = signed("GET", f"{HOST}/integrationservice/templist")
    strict, lenient = verifier(), verifier(refuse_replays=False)
    assert [refusal(candidate, strict), refusal(candidate, strict)] == [None, Refusal.REPLAYED]
    assert [refusal(candidate, lenient), refusal(candidate, lenient)] == [None, None]


def test_a_replay_is_remembered_as_long_as_its_timestamp_could_pass() -> None:
    knows = verifier()
    future = signed("GET", f"{HOST}/integrationservice/templist")
    assert refusal(future, knows, NOW - timedelta(seconds=300)) is None
    assert refusal(signed("GET", f"{HOST}/integrationservice/templist", nonce="other"), knows) is None
    assert refusal(future, knows, NOW + timedelta(seconds=300)) is Refusal.REPLAYED


def test_header_values_are_percent_decoded_and_not_form_decoded() -> None:
    assert authorization_parameters('OAuth a="x%2By+z", b=""') == {"a": "x+y+z", "b": ""}
