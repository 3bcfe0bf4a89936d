"""``python -m day33`` is the ``day33`` command."""

from day33.cli import main

if __name__ == "__main__":
    main()
