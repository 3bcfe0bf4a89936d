from .mnist import *  # noqa: F403
from .mnist import __all__, __doc__  # noqa: F401
