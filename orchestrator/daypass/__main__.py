"""`python -m daypass`: as the command, with the interpreter's options chosen by whoever starts it."""

from daypass.cli import main

if __name__ == "__main__":
    main(prog_name="daypass")
