"""A learner's data as a data frame of pandas, in the bytes of a file beside the data file.

`python -m adaptive_scheduler.dataframes FORMAT` prints as JSON whether this Python can write one:
`{"error": null}`, or an error with code, message and hint.
"""

from __future__ import annotations

import io
import sys
from typing import Any

from adaptive_scheduler import answer

#: What writes a data frame, by its format.
WRITERS: dict[str, Any] = {
    "csv": lambda frame, file: frame.to_csv(file, index=False),
    "json": lambda frame, file: frame.to_json(file, orient="records", default_handler=str),
    "parquet": lambda frame, file: frame.to_parquet(file, index=False),
    "pickle": lambda frame, file: frame.to_pickle(file),
}


def frame_path(path: str, form: str) -> str:
    """Name the data frame's file: that of the data file with the format behind it."""
    return f"{path}.{form}"


def frame_of(learner: Any, form: str) -> bytes:
    """Give the content of a file with the learner's data frame.

    Raises
    ------
    Exception
        Whatever the learner or pandas raises; ImportError when pandas or pyarrow is missing.
    """
    return _written(learner.to_dataframe(), form)


def fault_of(form: str) -> dict[str, str] | None:
    """Say why this Python cannot write data frames in a format, and what to do; or None."""
    try:
        import pandas as pd

        _written(pd.DataFrame({"x": [0.5]}), form)
    except ImportError as error:
        packages = " ".join(["pandas", *(["pyarrow"] if form == "parquet" else [])])
        words = " ".join(str(error).split())
        return {
            "code": "no-dataframes",
            "message": f"{sys.executable} cannot write data frames as {form}: {words}",
            "hint": f"{sys.executable} -m pip install {packages}, or change the setting dataframe.",
        }
    return None


def _written(frame: Any, form: str) -> bytes:
    file = io.BytesIO()
    WRITERS[form](frame, file)
    return file.getvalue()


if __name__ == "__main__":
    answer.redirect_prints()
    answer.give({"error": fault_of(sys.argv[1])})
