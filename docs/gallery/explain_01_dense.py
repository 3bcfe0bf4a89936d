"""
Two rectangles through dense layers
===================================

Why a first layer of one unit with equal weights cannot tell two rectangles apart, and what a bias adds.
"""

from day33 import explain

page = explain.dense()
page
