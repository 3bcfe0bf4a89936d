"""
A checkerboard, and how to avoid it
===================================

A constant input makes a pattern where the stride does not divide the kernel's size.
"""

import numpy as np

from day33 import explain

uneven = explain.conv2d_transpose(np.ones((4, 4)), np.ones((3, 3)), strides=2)
uneven

# %%
# With a kernel of 4 × 4 every cell in the middle gets as many stamps. Its weights, all ones here, could still make a
# pattern; nearest up-sampling and then a convolution makes none of a constant input.

even = explain.conv2d_transpose(np.ones((4, 4)), np.ones((4, 4)), strides=2)
even
