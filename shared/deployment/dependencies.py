"""The dependencies of the code, in the package: where Azure does not install requirements.txt itself."""

import subprocess
import sys
from enum import Enum, auto
from pathlib import Path

from shared.errors import ConfigurationError

FOLDER = ".python_packages/lib/site-packages"
"""Where the Python worker of Azure Functions looks for packages, relative to the root of the app."""

_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
_LONGEST = 900.0


class Dependencies(Enum):
    """Who installs the packages of requirements.txt."""

    LEFT_TO_AZURE = auto()
    PACKED = auto()


def install(requirements: Path, stage: Path, runtime: str) -> None:
    """Install the locked packages for Linux and a Python version such as 3.12, whatever runs here.

    ConfigurationError with the end of what pip says, if a package cannot be had as a wheel for that platform.
    """
    platforms = [word for name in _PLATFORMS for word in ("--platform", name)]
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--only-binary", ":all:", "--require-hashes"]
    place = ["--python-version", runtime, "--target", str(stage / FOLDER), "--requirement", str(requirements)]
    command = [sys.executable, "-m", "pip", "install", *options, *platforms, *place]
    try:
        ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_LONGEST)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ConfigurationError("pip took a quarter of an hour: can the package index be reached?") from None
    if ran.returncode:
        raise ConfigurationError(f"pip cannot install requirements.txt for Azure: {ran.stderr.strip()[-500:]}")
