"""What a recipe may say of a space besides its name."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class SpaceOptions(BaseModel):
    """Options in a recipe's `[space]` table: fields of the space's dataclass, under the same names.

    Subclasses add them as `TYPE | None`, None being the space's own value, each with a description. An option changes
    networks or the supernet, never codes.

    Attributes:
        of_supernet: names of those that change the supernet only, not the networks of candidates.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    of_supernet: ClassVar[frozenset[str]] = frozenset()

    name: str = Field(description="which space")

    @property
    def given(self) -> dict[str, object]:
        """Those that say something, by name."""
        return {name: value for name, value in self if name != "name" and value is not None}
