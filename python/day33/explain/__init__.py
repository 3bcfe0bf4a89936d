"""Pages that explain: what an operation, a model or a training does, on the reader's own arrays.

    from day33 import explain

    explain.conv2d_transpose(x, kernel, strides=2)                      # in a notebook: the page
    explain.conv2d_transpose(x, kernel, strides=2).save("page.html")    # one file, which needs no network
    explain.conv2d_transpose(x, kernel, strides=2).figure("page.png")   # with Matplotlib
    print(explain.conv2d_transpose(x, kernel, strides=2).text())        # in words and numbers

Without arrays, each function explains an example. All numbers come from day33's own functions; where something moves on
a page, they come from a few lines of JavaScript that tests compare with these.
"""

from __future__ import annotations

from ._explanation import Explanation
from .convolution import conv2d
from .linear import dense
from .pooling import max_pool2d, max_unpool2d, up_sampling2d
from .transposed import conv2d_transpose

__all__ = ["Explanation", "conv2d", "conv2d_transpose", "dense", "max_pool2d", "max_unpool2d", "up_sampling2d"]


def __dir__() -> list[str]:
    return list(__all__)
