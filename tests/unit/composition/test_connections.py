"""Connections from settings: parts that are made once, parts that are closed."""

from __future__ import annotations

import base64
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from azure.core.credentials import AccessToken
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from shared.adapters.messaging.servicebus import ServiceBusQueue
from shared.adapters.storage.tables import TableStateStore
from shared.composition.connections import certificate_end, fingerprint_keys
from shared.composition.settings import Settings
from shared.errors import ConfigurationError
from shared.local.sandbox.certificate import self_signed_certificate


class FakeCredential:
    """Gives no token that counts; knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(" ".join(scopes), 0)

    async def close(self) -> None:
        self.closed += 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(local_folder=tmp_path / "fresh")


def test_the_key_is_made_once_and_read_by_its_owner_only(settings: Settings) -> None:
    key = fingerprint_keys(settings).current
    path = settings.local_folder / "fingerprint.key"
    assert len(key) >= 32
    assert fingerprint_keys(settings).current == key == path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in settings.local_folder.iterdir()] == ["fingerprint.key"]


def test_a_second_process_never_reads_half_a_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts while the first one is about to write its key."""
    make, seen = secrets.token_urlsafe, []

    def interrupted(size: int) -> str:
        monkeypatch.setattr(secrets, "token_urlsafe", make)
        seen.append(fingerprint_keys(settings).current)  # the second process
        return make(size)

    monkeypatch.setattr(secrets, "token_urlsafe", interrupted)
    first = fingerprint_keys(settings).current
    assert seen == [first]
    assert len(first) >= 32


def test_processes_that_start_at_once_have_one_key(settings: Settings) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: fingerprint_keys(settings).current, range(64)))
    assert len(keys) == 1


def test_a_key_that_is_empty_or_unreadable_is_reported(settings: Settings) -> None:
    settings.local_folder.mkdir()
    path = settings.local_folder / "fingerprint.key"
    path.touch()
    with pytest.raises(ConfigurationError, match=r"fingerprint\.key is empty"):
        fingerprint_keys(settings)
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigurationError, match=r"fingerprint\.key cannot be read"):
        fingerprint_keys(settings)


async def test_a_managed_identity_is_closed_with_its_client() -> None:
    of_store, of_queue = FakeCredential(), FakeCredential()
    store = TableStateStore.from_account("https://x.table.core.windows.net", of_store, table="state")
    queue = ServiceBusQueue.from_namespace("x.servicebus.windows.net", of_queue, redact=lambda _, body: body)
    await store.close()
    await queue.close()
    assert of_store.closed >= 1
    assert of_queue.closed >= 1


def test_the_end_of_a_certificate_is_read_from_pem_and_from_pfx(tmp_path: Path) -> None:
    files = self_signed_certificate(tmp_path)
    certificate = x509.load_pem_x509_certificate(files.chain.read_bytes())
    key: Any = load_pem_private_key(files.key.read_bytes(), None)
    pem = tmp_path / "both.pem"
    pem.write_bytes(files.key.read_bytes() + files.chain.read_bytes())
    pfx = pkcs12.serialize_key_and_certificates(b"app", key, certificate, None, BestAvailableEncryption(b"word"))
    encoded = base64.b64encode(pfx).decode()

    for source, password in ((str(pem), ""), (encoded, "word")):
        settings = Settings(dataverse_certificate=source, dataverse_certificate_password=password)
        assert certificate_end(settings) == certificate.not_valid_after_utc


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"dataverse_certificate": "no-such-file"},
        {"dataverse_certificate": base64.b64encode(b"-----BEGIN nonsense").decode()},
        {"dataverse_certificate": base64.b64encode(b"\x30nonsense").decode()},
        {"dataverse_client_secret": "secret", "dataverse_certificate": "no-such-file"},
    ],
)
def test_a_secret_or_a_certificate_that_cannot_be_read_has_no_end(given: dict[str, str]) -> None:
    assert certificate_end(Settings(**given)) is None  # type: ignore[arg-type]
