"""
Edges, found by a convolution
=============================

A kernel whose weights add up to zero answers to edges: right minus left.
"""

import numpy as np

from day33 import explain

picture = np.zeros((9, 9))
picture[2:7, 2:7] = 3
kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
page = explain.conv2d(picture, kernel, padding="same")
page
