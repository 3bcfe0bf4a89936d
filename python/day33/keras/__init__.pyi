# The modules of this package are made from a table, so type checkers take whatever is in them for Any. For checked code
# there are the same objects in day33.layers and its neighbours.
from typing import Any

from .live import from_keras as from_keras
from .live import to_keras as to_keras

__all__: list[str]

def __getattr__(name: str) -> Any: ...
