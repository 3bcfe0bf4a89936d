# day33.tf.keras is day33.keras, under another name in sys.modules; this folder is for type checkers alone.
from typing import Any

def __getattr__(name: str) -> Any: ...
