"""ansible-playbook as a wave starts it: by this very Python, which has ansible-core among its packages.

Started by its path, never imported: nothing of Daypass is loaded. A run that lasts a second needn't look for
garbage a hundred times while it loads (a quarter of its CPU); a long one does so now and then.
"""

import gc
import sys

OBJECTS_PER_LOOK = 100_000  # Python's own is 700; so many take some 10 MB

gc.set_threshold(OBJECTS_PER_LOOK)

if __name__ == "__main__":
    from ansible.cli.playbook import main

    sys.argv[0] = "ansible-playbook"  # its name in its own messages
    sys.exit(main())
