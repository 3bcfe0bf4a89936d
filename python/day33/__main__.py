"""``python -m day33`` is the ``day33`` command."""

from .cli import main

if __name__ == "__main__":
    main()
