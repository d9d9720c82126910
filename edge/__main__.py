"""`python -m edge`: the technician's commands."""

from edge.cli import main

if __name__ == "__main__":
    main()
