"""Whose turn it is: people take turns, whoever was served longest ago first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from asma_core.runs.job_table import Waiting


class Turns:
    """Round robin among authors; each author's own jobs keep their order."""

    def __init__(self) -> None:
        """Begin; nobody was served yet."""
        self._served: dict[str, int] = {}
        self._count = 0

    def served(self, author: str) -> None:
        """Say that it was an author's turn."""
        self._count += 1
        self._served[author] = self._count

    def next_of(
        self, waiting: Sequence[Waiting], running: Mapping[str, int], most: int
    ) -> Waiting | None:
        """Return the job whose turn it is; None when nobody's may begin.

        Args:
            waiting: The jobs that wait, each author's in order.
            running: How many of each author run.
            most: How many of one author may run at once; 0 for any number.
        """
        for one in self.line(waiting):
            if not most or running.get(one.author, 0) < most:
                return one
        return None

    def line(self, waiting: Sequence[Waiting]) -> Iterator[Waiting]:
        """Yield the jobs that wait in the order of their turns, if nobody comes or goes."""
        by_author: dict[str, list[Waiting]] = {}
        for one in waiting:
            by_author.setdefault(one.author, []).append(one)
        # Who was never served comes first; of several, whose job stands first.
        queues = sorted(by_author.items(), key=lambda item: self._served.get(item[0], 0))
        longest = max(map(len, by_author.values()), default=0)
        for turn in range(longest):
            for _, theirs in queues:
                if turn < len(theirs):
                    yield theirs[turn]
