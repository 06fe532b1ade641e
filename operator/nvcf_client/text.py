"""Texts that are shown to people."""


def shorten(text: str, most: int, mark: str = "…") -> str:
    """The text in at most that many characters; where it is cut, the mark is its end."""
    return text if len(text) <= most else text[: max(most - len(mark), 0)] + mark
