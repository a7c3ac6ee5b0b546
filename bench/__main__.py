"""Measurements side by side: `python -m bench [NAME] [options]`; a wrong name lists all."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence

from bench import (
    certificates,
    converge,
    deadline,
    flows,
    gate,
    payload,
    records,
    report,
    servers,
    store,
    waves,
)


def _certificates(arguments: Sequence[str]) -> bool:
    return certificates.main(list(arguments)) == 0


BENCHES: Mapping[str, Callable[[Sequence[str]], bool]] = {
    "certificates": _certificates,
    "converge": converge.run,
    "deadline": deadline.run,
    "flows": flows.run,
    "gate": gate.run,
    "payload": payload.run,
    "records": records.run,
    "servers": servers.run,
    "store": store.run,
    "waves": waves.run,
}


def main(arguments: Sequence[str]) -> int:
    """Run one measurement with its options, or all with their defaults; 1 when a demand is missed."""
    if not arguments:
        print(f"conditions: {json.dumps(report.conditions())}")
        results = [measure([]) for measure in BENCHES.values()]  # a missed demand stops none
        return 0 if all(results) else 1
    name, *options = arguments
    if name not in BENCHES:
        print(f"usage: python -m bench [{'|'.join(BENCHES)}] [options]", file=sys.stderr)
        return 2
    return 0 if BENCHES[name](options) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
