"""Some limited processes, so that one person's file does not wait for another's."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

from asma_core.accounts.account import Account
from asma_core.accounts.current import account
from asma_core.limited.process import GoneError, LimitedProcess, Limits, OnProgress

# Processes at once, and of them those of one person; the others' questions wait.
MOST: Final = 4
MOST_EACH: Final = 2
# Kept when nobody asks: as many as one person uses at once.
KEPT: Final = MOST_EACH
# A process is replaced after so many questions: what libraries keep grows.
QUESTIONS: Final = 100
Answer = TypeVar("Answer")


class LimitedPool:
    """Hands questions to processes that are started when they are needed, one always before."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        """Prepare to ask; no process starts yet.

        Args:
            modules: That each process imports before its first question.
        """
        self._modules = modules
        self._idle: list[LimitedProcess] = []
        self._busy: Counter[str] = Counter()
        self._free = threading.Condition()

    def carry_out(
        self,
        call: Callable[..., Answer],
        *arguments: Any,
        limits: Limits,
        on_progress: OnProgress | None = None,
    ) -> Answer:
        """Return what a function of a module returns; see `LimitedProcess.ask`.

        Raises:
            AsmaError: As the function does.
            LimitError: It took more than it may, or ended its process.
        """
        who = account()
        while True:
            # The system may have ended one while nobody asked, and is slow to say so.
            with suppress(GoneError), self._process_for(who) as process:
                answer: Answer = process.ask(call, arguments, limits, who, on_progress)
                return answer

    def warm(self) -> None:
        """Start a process for the next question, without waiting for it."""
        with self._free:
            if not self._idle and not self._busy.total():
                self._idle.append(LimitedProcess(self._modules))

    def close(self) -> None:
        """End the processes that nobody asks; the next question starts another."""
        with self._free:
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    @contextmanager
    def _process_for(self, who: Account) -> Iterator[LimitedProcess]:
        with self._free:
            self._free.wait_for(lambda: self._may_begin(who.name))
            self._busy[who.name] += 1
            process = self._running_one()
        try:
            process = process or LimitedProcess(self._modules)
            yield process
        finally:
            self._give_back(who.name, process)

    def _running_one(self) -> LimitedProcess | None:
        """Return an idle process that still runs; None without one."""
        while self._idle:
            process = self._idle.pop()
            if process.runs:
                return process
            process.end()
        return None

    def _may_begin(self, name: str) -> bool:
        return self._busy.total() < MOST and self._busy[name] < MOST_EACH

    def _give_back(self, name: str, process: LimitedProcess | None) -> None:
        with self._free:
            self._busy -= Counter([name])
            kept = process is not None and process.alive and self._keep(process)
            if process is not None and kept:
                self._idle.append(process)
            self._free.notify_all()
        if process is not None and not kept:
            process.end()
            # The next person's file is not to wait for a start.
            self.warm()

    def _keep(self, process: LimitedProcess) -> bool:
        return process.asked < QUESTIONS and len(self._idle) < KEPT
