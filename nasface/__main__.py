"""`python -m nasface`."""

from nasface.cli import main

main()
