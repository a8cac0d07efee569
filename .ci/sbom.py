"""Writes the packages that Azure installs as a bill of materials (CycloneDX 1.6, JSON): `make sbom`.

It is made from the lock: for one version of Python on Linux x86_64 each package with its version, the hashes of its
files, and the packages that need it. Nothing is installed or requested, so the licences of packages are not in it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from lockfile import DEPLOYED_PYTHON, DIRECT, LOCK, ROOT, Pin, locked
from packageurl import PackageURL

SBOM = ROOT / "sbom.cdx.json"


def bill_of_materials(pins: Sequence[Pin], python: str, serial: str) -> str:
    """Return the document as JSON; the same `serial` gives the same serial number."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    app = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=project["name"],
        description=project["description"],
        licenses=[DisjunctiveLicense(id=project["license"])],
        properties=[Property(name="python", value=python), Property(name="platform", value="linux x86_64")],
    )
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, serial))
    bom.metadata.component = app
    parts = {pin.name: _component(pin) for pin in pins if pin.is_installed_on(python)}
    bom.components.update(parts.values())
    needs: dict[str, list[Component]] = {name: [] for name in (DIRECT, *parts)}
    for pin in pins:
        for needing in pin.wanted_by if pin.is_installed_on(python) else ():
            if needing in needs:  # else it is not installed there
                needs[needing].append(parts[pin.name])
    bom.register_dependency(app, needs.pop(DIRECT))
    for name, needed in needs.items():
        bom.register_dependency(parts[name], needed)
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def _component(pin: Pin) -> Component:
    """Describe a package; its hashes are those of all the files that may be installed, one for each platform."""
    purl = PackageURL("pypi", name=pin.name, version=pin.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(f"https://pypi.org/project/{pin.name}/{pin.version}/"),
        comment="one hash for each file of this release",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=value.removeprefix("sha256:")) for value in pin.hashes],
    )
    return Component(
        name=pin.name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        external_references=[files],
    )


def main() -> int:
    """Write the file and print its place."""
    parser = argparse.ArgumentParser(prog="make sbom", description="Write what Azure installs as CycloneDX JSON.")
    parser.add_argument("--python", default=DEPLOYED_PYTHON, help="of the function app (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=SBOM, help="default: %(default)s")
    arguments = parser.parse_args()
    serial = f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()}/{arguments.python}"
    arguments.output.write_text(bill_of_materials(locked(), arguments.python, serial), encoding="utf-8")
    print(f"{arguments.output}: what Azure installs on Python {arguments.python}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
