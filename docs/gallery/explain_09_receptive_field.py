"""
Receptive fields of an auto-encoder
===================================

What a cell of the code sees of the image, and where it counts.
"""

import day33
from day33 import autoencoder, explain

day33.set_random_seed(33)
page = explain.receptive_field(autoencoder.build("upsampling"), "code", (1, 1))
page
