"""Pages that explain: what an operation, a model or a training does, on the reader's own arrays.

    from day33 import explain

    explain.conv2d_transpose(x, kernel, strides=2)                      # in a notebook: the page
    explain.conv2d_transpose(x, kernel, strides=2).save("page.html")    # one file, which needs no network
    explain.conv2d_transpose(x, kernel, strides=2).figure("page.png")   # with Matplotlib
    print(explain.conv2d_transpose(x, kernel, strides=2).text())        # in words and numbers

Operations without arrays explain an example. All numbers come from day33's own functions; where something moves on a
page, they come from a few lines of JavaScript that tests compare with these.
"""

from __future__ import annotations

from ._explanation import Explanation
from .ballots import votes
from .convolution import conv2d
from .features import feature_maps, filters
from .language import loss, next_word
from .linear import dense
from .pooling import max_pool2d, max_unpool2d, up_sampling2d
from .progress import training
from .receptive import receptive_field
from .transposed import conv2d_transpose

__all__ = [
    "Explanation",
    "conv2d",
    "conv2d_transpose",
    "dense",
    "feature_maps",
    "filters",
    "loss",
    "max_pool2d",
    "max_unpool2d",
    "next_word",
    "receptive_field",
    "training",
    "up_sampling2d",
    "votes",
]


def __dir__() -> list[str]:
    return list(__all__)
