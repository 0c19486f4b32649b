"""Counts in words."""


def plural(count: int, noun: str) -> str:
    """Give a count with its noun: `1 learner`, `2 learners`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
