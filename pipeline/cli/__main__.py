"""`python -m pipeline.cli`: the console script without the script."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
