"""The weights of engagement scores: a versioned file with presets, read once."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel


class Preset(StrEnum):
    """The presets of the file."""

    B2B = "b2b"
    B2C = "b2c"
    LONG_CYCLE = "long-cycle"


@dataclass(frozen=True, slots=True)
class Weights:
    """Points for what a person does, and the half-life of the recent score.

    `mark` names version and preset; scores that were computed with another mark are computed again.
    """

    mark: str
    half_life: timedelta
    opened: int
    clicked: int
    links: int
    conversion: int
    unsubscribed: int
    opt_out: int
    visit: int = 3
    page: int = 1
    visit_most: int = 10

    def gives_points_of(self, other: "Weights") -> bool:
        """Whether everything earns as much as by others; the half-life changes no points."""
        return replace(self, mark=other.mark, half_life=other.half_life) == other


class _Entry(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    half_life_days: float = Field(gt=0)
    opened: int = Field(ge=0)
    clicked: int = Field(ge=0)
    links: int = Field(ge=0)
    conversion: int = Field(ge=0)
    unsubscribed: int = Field(le=0)
    opt_out: int = Field(le=0)
    visit: int = Field(default=3, ge=0)
    page: int = Field(default=1, ge=0)
    visit_most: int = Field(default=10, ge=0)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1)
    presets: dict[Preset, _Entry]


def weights_of(preset: Preset) -> Weights:
    """Return the weights of a preset."""
    return _packaged()[preset]


def read_weights(text: str) -> dict[Preset, Weights]:
    """Read a file of weights; ValueError names what is wrong."""
    document = _parsed(text)
    if missing := [preset for preset in Preset if preset not in document.presets]:
        raise ValueError(f"no weights for {', '.join(missing)}")
    return {
        preset: Weights(
            mark=f"{document.version}-{preset}",
            half_life=timedelta(days=entry.half_life_days),
            opened=entry.opened,
            clicked=entry.clicked,
            links=entry.links,
            conversion=entry.conversion,
            unsubscribed=entry.unsubscribed,
            opt_out=entry.opt_out,
            visit=entry.visit,
            page=entry.page,
            visit_most=entry.visit_most,
        )
        for preset, entry in document.presets.items()
    }


def read_version(text: str) -> int:
    """Return the number of a file of weights; ValueError names what is wrong."""
    return _parsed(text).version


def _parsed(text: str) -> _File:
    import yaml  # noqa: PLC0415  # settings need the names of presets alone, at every start

    try:
        return _File.model_validate(yaml.safe_load(text))
    except yaml.YAMLError:
        raise ValueError("the file of weights is no YAML") from None
    except ValidationError as error:
        places = [f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors()]
        raise ValueError("; ".join(places)) from None


def packaged_text() -> str:
    """Return the file of the release."""
    return files(__package__).joinpath("weights.yaml").read_text(encoding="utf-8")


PACKAGED_VERSION = 1
"""The number of the file of the release; a test compares it."""


@cache
def _packaged() -> dict[Preset, Weights]:
    return read_weights(packaged_text())
