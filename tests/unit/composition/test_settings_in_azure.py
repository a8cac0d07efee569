"""Settings in Azure: nothing may be embedded there."""

from __future__ import annotations

import pytest

from shared.composition.settings import load_settings
from shared.errors import ConfigurationError


def test_in_azure_nothing_may_be_embedded_because_files_end_with_their_instance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATAVERSE_URL", "https://contoso.crm4.dynamics.com")

    with pytest.raises(ConfigurationError) as refused:
        load_settings({"WEBSITE_SITE_NAME": "func-1"})

    assert str(refused.value).endswith(
        "SPOTLER_KEY, SERVICE_BUS__fullyQualifiedNamespace, STATE_STORAGE__tableServiceUri"
    )
    assert load_settings({}).dataverse_url
