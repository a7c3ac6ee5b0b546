"""Settings to adapters to workflow: the only constructor of adapters, of the clock and of chance."""

from daypass.wiring.examining import examine
from daypass.wiring.first_start import initialise
from daypass.wiring.opening import Daypass, open_daypass

__all__ = ["Daypass", "examine", "initialise", "open_daypass"]
