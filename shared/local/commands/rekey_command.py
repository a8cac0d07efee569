"""`python -m shared rekey`: re-encrypts stored fingerprints with a new key. It may be interrupted and repeated.

Talks to the configured state store directly, with the settings of the environment, while the app runs.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from shared.composition import app
from shared.composition.connections import key_files
from shared.composition.settings import Settings, load_settings
from shared.errors import ConfigurationError
from shared.local.commands.local_settings import read_local_settings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--new-key",
        action="store_true",
        help="for the embedded state store, which made its key itself: make a new one first, while the app is stopped",
    )


async def run(options: argparse.Namespace) -> int:
    """Re-encrypt all documents and return the exit code."""
    read_local_settings()
    settings = load_settings()
    if options.new_key:
        _make_new_key(settings)
    try:
        await _reencrypt()
    finally:
        await app.shut_down()
    if not settings.fingerprint_key.get_secret_value():
        key_files(settings)[1].unlink(missing_ok=True)
    return 0


async def _reencrypt() -> None:
    rekeying = (await app.services()).rekeying
    while True:
        progress = await rekeying.step()
        if progress.is_done:
            print(
                f"{progress.moved} documents were brought over. All fingerprints have version {progress.version} of "
                "the key: FINGERPRINT_KEY_PREVIOUS may be removed."
            )
            return
        if progress.wait:
            print(f"waiting {progress.wait.seconds + 1} s until every process knows the key", file=sys.stderr)
            await asyncio.sleep(progress.wait.seconds + 1)


def _make_new_key(settings: Settings) -> None:
    """Rename the key file of the embedded store, so that the next use creates a new key."""
    key, former = key_files(settings)
    if settings.fingerprint_key.get_secret_value() or settings.uses_azure_tables:
        raise ConfigurationError(
            "--new-key is for the key that the embedded state store made itself. Put the present one in "
            "FINGERPRINT_KEY_PREVIOUS, and a new one in FINGERPRINT_KEY"
        )
    if former.exists():
        raise ConfigurationError("The last change of the key has not ended: call python -m shared rekey")
    if not key.exists():
        raise ConfigurationError("There is no key yet, so there is nothing to change")
    key.rename(former)
