"""
A transposed convolution
========================

Stamps that overlap, the stretched input, and C with its transpose.
"""

from day33 import explain

page = explain.conv2d_transpose(strides=2)
page
