"""
Max pooling, and three ways back
================================

The winners, where they stood, and what nearest, bed of nails and max un-pooling make of them.
"""

import numpy as np

from day33 import explain

page = explain.max_pool2d(np.random.default_rng(2).integers(0, 10, (6, 6)))
page
