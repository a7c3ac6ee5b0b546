# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module for tests: its document is base64 of JSON that says what it does and prints."""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec={"document": {"type": "str", "required": True}})
    orders = json.loads(base64.b64decode(module.params["document"]))
    if "touch" in orders:
        Path(orders["touch"]).write_text(str(os.getpid()))
    time.sleep(orders.get("sleep", 0))
    if "print" in orders:
        sys.stdout.write(orders["print"])
        sys.exit(0)
    result = dict(orders.get("result", {}))
    if "size" in orders:
        result["padding"] = "x" * orders["size"]
    if orders.get("fail"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
