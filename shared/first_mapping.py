"""The mapping that the very first start stores: the default one, or a file that the settings name."""

from __future__ import annotations

from pathlib import Path

from shared.core.mapping.document import MappingError
from shared.core.mapping.model import Mapping
from shared.core.mapping.yaml_format import from_yaml
from shared.errors import ConfigurationError
from shared.settings import Settings

DEFAULT_MAPPING = Path(__file__).parent / "core" / "mapping" / "default.yaml"


def first_mapping(settings: Settings) -> Mapping:
    """Return the mapping that the first activation stores."""
    return load_mapping(settings.mapping_file or DEFAULT_MAPPING)


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file; ConfigurationError names the file and what is wrong with it."""
    try:
        return from_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, MappingError) as problem:
        raise ConfigurationError(f"The mapping {path.name} cannot be used: {problem}") from None
