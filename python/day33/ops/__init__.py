from .convolution import *  # noqa: F403
from .convolution import __all__, __doc__  # noqa: F401
