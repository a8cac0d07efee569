"""The mapping that the very first start stores: the default mapping, or the file that the settings name."""

from pathlib import Path

from shared.composition.settings import Settings
from shared.domain.mapping.formats.document import MappingError
from shared.domain.mapping.formats.yaml_format import from_yaml
from shared.domain.mapping.model import Mapping
from shared.domain.wording.causes.work_causes import WorkCause
from shared.errors import ConfigurationError

DEFAULT_MAPPING = Path(__file__).resolve().parents[1] / "domain" / "mapping" / "default.yaml"


def first_mapping(settings: Settings) -> Mapping:
    """Return the mapping that the first activation stores."""
    return load_mapping(settings.mapping_file or DEFAULT_MAPPING)


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file; ConfigurationError names the file and the error."""
    try:
        return from_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, MappingError) as problem:
        text = problem.text if isinstance(problem, MappingError) else str(problem)
        raise ConfigurationError(WorkCause.MAPPING_FILE(file=path.name, problem=text)) from None
