"""Tokens from Microsoft Entra through azure.identity. Imported only when such a token is needed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, HttpResponseError
from azure.identity import CredentialUnavailableError, aio

from shared.adapters.dataverse.web_api.credentials import (
    AccessToken,
    AzureCli,
    CachedTokens,
    Certificate,
    ClientSecret,
    Credential,
    ManagedIdentity,
)
from shared.domain.wording.errors import ErrorText
from shared.errors import ConfigurationError, ConnectorError, Service, TransientError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline.transport import AsyncHttpTransport

_PEM = b"-----BEGIN"
_CLIENT_ERRORS = 4  # the statuses 400 to 499
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
_MICROSOFT = (".microsoftonline.com", ".microsoftonline.us", ".partner.microsoftonline.cn")


def entra_tokens(
    credential: Credential, scope: str, authority: str, *, transport: AsyncHttpTransport[Any, Any] | None = None
) -> CachedTokens:
    """Return the tokens of a credential. Raises ConfigurationError for one that cannot be used.

    `transport` replaces the network.
    """
    options = {} if transport is None else {"transport": transport}
    _source(credential, authority, options)

    async def fetch() -> AccessToken:
        # Each credential has a cache, which returns a revoked token until it expires: so none is used twice.
        source = _source(credential, authority, options)
        try:
            token = await source.get_token(scope)
        except AzureError as error:
            raise entra_fault(error) from None  # the original quotes the answer
        finally:
            await source.close()
        return AccessToken(token.token, float(token.expires_on))

    return CachedTokens(fetch)


def entra_fault(error: AzureError) -> ConnectorError:
    """Distinguish a refusal from an outage: azure.identity reports both as an authentication error."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    refused = status is not None and status // 100 == _CLIENT_ERRORS and status not in _PASSING
    if refused or isinstance(error, CredentialUnavailableError):
        summary = ErrorText.NO_TOKEN()
        return ConfigurationError(summary, service=Service.DATAVERSE, status=status, detail=str(error))
    summary = ErrorText.ENTRA_UNASKED()
    return TransientError(summary, service=Service.DATAVERSE, status=status, detail=str(error))


def certificate_bytes(source: str) -> bytes:
    """Read PEM or PFX from base64 or from a file. Raises ConfigurationError."""
    try:
        content = base64.b64decode(source, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if content.startswith((_PEM, b"\x30")):  # PEM, or the ASN.1 sequence that every PFX is
        return content
    try:
        return Path(source).read_bytes()
    except (OSError, ValueError):
        raise ConfigurationError(
            ErrorText.CERTIFICATE_FORM(),
            service=Service.DATAVERSE,
        ) from None


def certificate_end(certificate: Certificate) -> datetime:
    """Return the moment until which a certificate is valid. Raises ConfigurationError if it cannot be read."""
    from cryptography import exceptions, x509  # noqa: PLC0415  # needed by one page of the console
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415

    content, password = certificate_bytes(certificate.source), certificate.password
    try:
        if _PEM in content:
            return x509.load_pem_x509_certificate(content).not_valid_after_utc
        _, found, _ = pkcs12.load_key_and_certificates(content, password.encode() if password else None)
    except (ValueError, exceptions.UnsupportedAlgorithm):
        found = None
    if found is None:
        raise ConfigurationError(ErrorText.CERTIFICATE_UNREAD(), service=Service.DATAVERSE)
    return found.not_valid_after_utc


def _source(credential: Credential, authority: str, options: Mapping[str, Any]) -> AsyncTokenCredential:
    # Instance discovery asks Microsoft's public cloud about the authority, which fails for a private one.
    known = (urlsplit(authority).hostname or "").endswith(_MICROSOFT)
    private: dict[str, Any] = {**options, "authority": authority, "disable_instance_discovery": not known}
    try:
        match credential:
            case ClientSecret(tenant, client, secret):
                return aio.ClientSecretCredential(tenant, client, secret, **private)
            case Certificate(tenant, client, source, password):
                private |= {"certificate_data": certificate_bytes(source), "password": password}
                return aio.CertificateCredential(tenant, client, **private)
            case ManagedIdentity(client):
                return aio.ManagedIdentityCredential(client_id=client, **options)
            case AzureCli(tenant):
                return aio.AzureCliCredential(tenant_id=tenant)
    except ValueError:
        raise ConfigurationError(ErrorText.CERTIFICATE_UNUSABLE(), service=Service.DATAVERSE) from None
