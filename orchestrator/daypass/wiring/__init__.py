"""Settings to adapters to workflow: the only constructor of adapters, of the clock and of chance."""

from daypass.wiring.clock import now
from daypass.wiring.examining import examine
from daypass.wiring.first_start import initialise
from daypass.wiring.opening import Daypass, open_daypass
from daypass.wiring.policies import read_policy

__all__ = ["Daypass", "examine", "initialise", "now", "open_daypass", "read_policy"]
