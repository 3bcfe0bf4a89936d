"""
Stride and dilation
===================

A stride moves the window by two cells, a dilation spreads its weights.
"""

import numpy as np

from day33 import explain

ramp = np.add.outer(np.arange(9), np.arange(9))
page = explain.conv2d(ramp, np.ones((3, 3)) / 9, strides=2, dilation_rate=1, padding="same")
page

# %%
# With a dilation of 2 the same nine weights cover 5 × 5 cells.

spread = explain.conv2d(ramp, np.ones((3, 3)) / 9, dilation_rate=2)
spread
