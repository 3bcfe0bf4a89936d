"""
Channels and filters
====================

Each filter reads all channels of the input; their products are added up.
"""

import numpy as np

from day33 import explain

rng = np.random.default_rng(33)
image = rng.integers(0, 5, (1, 6, 6, 3))
kernel = rng.integers(-2, 3, (3, 3, 3, 2))
page = explain.conv2d(image, kernel)
page
