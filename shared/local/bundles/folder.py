"""A bundle as a folder: `mapping.yaml`, `settings.yaml`, `defaults.yaml`, and `history/` for people."""

from pathlib import Path

import yaml

from shared.domain.mapping.formats.document import MappingError
from shared.domain.mapping.formats.yaml_format import from_yaml, to_yaml
from shared.errors import ConfigurationError
from shared.local.bundles.bundle import Bundle, PastVersion, document, parts
from shared.local.bundles.carried import check_defaults, check_settings

_HISTORY = "history"


def write(bundle: Bundle, folder: Path) -> list[Path]:
    """Write a bundle and return its files; files of an older bundle that are no part of this one are deleted."""
    (folder / _HISTORY).mkdir(parents=True, exist_ok=True)
    texts = {folder / name: text for name, text in parts(bundle).items()}
    texts |= {folder / _HISTORY / f"{one.number:06d}.yaml": _past(one) for one in bundle.history}
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    for path in set((folder / _HISTORY).glob("*.yaml")) - texts.keys():
        path.unlink()
    return sorted(texts)


def read(folder: Path) -> Bundle:
    """Read a bundle without its history; ConfigurationError names the file and what is wrong with it."""
    try:
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in parts(Bundle("", {}, {}))}
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"{folder} is no bundle: {problem}. Make one with bundle export") from None
    try:
        mapping = to_yaml(from_yaml(texts["mapping.yaml"]))
    except MappingError as problem:
        raise ConfigurationError(f"{folder / 'mapping.yaml'} cannot be used: {problem}") from None
    settings = check_settings(_values(folder / "settings.yaml", texts["settings.yaml"]))
    return Bundle(mapping, settings, check_defaults(_values(folder / "defaults.yaml", texts["defaults.yaml"])))


def _values(path: Path, text: str) -> dict[str, str]:
    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError as problem:
        raise ConfigurationError(f"{path} is no YAML: {problem}") from None
    if not isinstance(found, dict) or not all(isinstance(one, str) for pair in found.items() for one in pair):
        raise ConfigurationError(f"{path} must have names and texts, such as RECONCILE: 'false', with quotes")
    return found


def _past(version: PastVersion) -> str:
    header = {"number": str(version.number), "at": version.at, "by": version.by, "comment": version.comment}
    return "".join(f"# {line}\n" for line in document(header).splitlines()) + version.text
