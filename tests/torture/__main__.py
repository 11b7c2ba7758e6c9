"""`make torture`: the long proofs, one JSON line each. `python -m tests.torture kills slices` runs only those.

What lives here: which proofs there are and how their figures are printed. What does not: the proofs' parts, which the
end-to-end tests share (tests/support).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.torture.proofs import PROOFS

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data"


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(PROOFS))
    if unknown:
        print(f"torture: no proof is called {', '.join(unknown)}; there are {', '.join(PROOFS)}", file=sys.stderr)
        return 2
    samples = Path(os.environ.get("PERENNIAL_SAMPLE_DATA") or SAMPLES)
    failed = 0
    for name in names or PROOFS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"perennial-{name}-") as folder:
            try:
                line = PROOFS[name](Path(folder), samples)
            except Exception:  # one proof that breaks must not hide the others
                line = {"holds": False, "error": traceback.format_exc().strip()[-800:]}
        failed += line["holds"] is False
        print(json.dumps({"proof": name, **line, "seconds": round(time.monotonic() - began)}), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
