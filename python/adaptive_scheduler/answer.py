"""How a module of this package answers whoever started it: with one line of JSON.

`ADAPTIVE_MARK` stands before and behind it when it is set, so that it is told apart from whatever
else is printed: by start-up files of a shell or of Python before, by what is left running later.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

_answers: list[TextIO] = []


def redirect_prints() -> None:
    """Have what is printed from now on go to standard error, also by C libraries and processes."""
    sys.stdout.flush()
    _answers.append(open(os.dup(1), "w", encoding="utf-8"))  # noqa: SIM115  for the answer
    os.dup2(2, 1)


def give(value: Any) -> None:
    """Answer, on what was standard output before prints were redirected."""
    mark = os.environ.get("ADAPTIVE_MARK", "")
    text = json.dumps(value, allow_nan=False)
    with suppress(ValueError, OSError):  # closed by the file
        sys.stdout.flush()
    print(f"{mark}{text}{mark}", flush=True, file=_answers[0] if _answers else sys.stdout)
