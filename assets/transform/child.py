"""A child process that does not outlive its parent.

What lives here: the few lines run between fork and exec. What does not: what is run. Without it, a night killed with -9
would leave its dbt building on, holding the build file against the next night. Linux only; elsewhere the child is
started plainly.
"""

from __future__ import annotations

import sys

# prctl(PR_SET_PDEATHSIG, SIGKILL), then make sure that the parent is still the one that asked
_CODE = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def dying_with(parent: int) -> list[str]:
    """What to put before a command (an absolute path and its arguments) so that it ends with the process `parent`."""
    return [sys.executable, "-I", "-S", "-c", _CODE, str(parent)] if sys.platform == "linux" else []
