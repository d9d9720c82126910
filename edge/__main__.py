"""`python -m edge`: the technician's commands."""

from wire.light_start import light_start

with light_start():
    from edge.cli import main

if __name__ == "__main__":
    main()
