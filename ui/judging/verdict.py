"""What a person says of a run: its verdict and its tags, as they are kept and shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from asma_core.runs.run import Run
from ui.common.errors import escape_markdown

# Each with the key that gives it.
VERDICTS: Final = {"convincing": "1", "visible": "2", "failed": "3"}
LONGEST_VERDICT: Final = 40
LONGEST_NOTE: Final = 4000
LONGEST_TAG: Final = 40


def verdict_badge(run: Run) -> str:
    """Return what a person said of a run as a badge; "" while nobody has."""
    return f" :primary-badge[{escape_markdown(run.verdict)}]" if run.verdict else ""


def tag_list(tags: str) -> list[str]:
    """Split a run's tags.

    Args:
        tags: Words, separated by commas.

    Returns:
        The words, each once, in their order.
    """
    words = (" ".join(word.split())[:LONGEST_TAG] for word in tags.split(","))
    return list(dict.fromkeys(word for word in words if word))


def joined_tags(tags: Sequence[str]) -> str:
    """Return tags as the store keeps them; a tag with a comma becomes two."""
    return ", ".join(tag_list(",".join(tags)))


def cleaned_verdict(text: str) -> str:
    """Return a verdict of a person's own as one short line."""
    return " ".join(text.split())[:LONGEST_VERDICT]
