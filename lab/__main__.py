"""Run the lab's command line: `python -m lab`."""

from lab.cli import main

main(prog_name="lab")
