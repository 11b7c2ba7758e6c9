"""`python -m perennial.cli` is `perennial`. Nothing else lives here."""

from perennial.cli.main import main

main()
