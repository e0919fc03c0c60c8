"""Networks that found ones are held against, whatever the search space."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nas_gym.search_spaces.base import NetworkSize


@dataclass(frozen=True, slots=True)
class Reference:
    """A hand-designed or published network.

    Attributes:
        name: What it is called.
        build: Makes its module, the parameters not yet initialised.
        size: What it costs, ``None`` if only the module can tell.
    """

    name: str
    build: Callable[[], Any]
    size: NetworkSize | None = None
