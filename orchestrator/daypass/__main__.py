"""`python -m daypass`: as the command, with the interpreter's options chosen by whoever starts it."""

import signal

# A client at the gate may interrupt at any moment. Ending at once is safe anywhere, and shows no traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from daypass.cli import main  # noqa: E402 # only after the line above

if __name__ == "__main__":
    main(prog_name="daypass")
