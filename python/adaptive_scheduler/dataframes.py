"""A learner's data as a data frame of pandas, in the bytes of a file beside the data file."""

from __future__ import annotations

import io
from typing import Any

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
    file = io.BytesIO()
    WRITERS[form](learner.to_dataframe(), file)
    return file.getvalue()
