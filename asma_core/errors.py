"""The errors that users can meet.

    AsmaError                  what a user can mend; its text says what to do
      InputError               an image, a mask, a name or a setting is not usable
        UnknownNameError       nothing of that name; the text lists what there is
          NoSuchItemError      the same of a place in a sequence, so an IndexError too
      ModelError               a network can't be loaded or answers nonsense
      DeviceError              a device that is absent or out of memory
      StoreError               the data folder can't be read or written
        UnknownRunError        no run of that id
        UnknownExperimentError no experiment of that id
        UnknownReviewError     no review of that id
        JudgementChangedError  a verdict, note or tags are other than when their editing began
        RunStateError          the run is not in a state that allows this
      NotAllowedError          nobody is signed in, or the role of who is does not allow it

Anything else that is raised is a bug, and is shown as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# What a file holds may stand in a sentence; no page is to be flooded by it.
LONGEST: Final = 1000


class AsmaError(Exception):
    """A fault that the user can mend; the message is one sentence that says how."""

    def __str__(self) -> str:
        """Return the sentence as any page can show it; the middle of a very long one is left out.

        A file's name may hold what no encoding can write.
        """
        text = super().__str__().encode("utf-8", "backslashreplace").decode()
        if len(text) <= LONGEST:
            return text
        return f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


class InputError(AsmaError):
    """An image, a mask, a name or a setting that can't be used."""


class NoPictureError(InputError):
    """A file of a kind that has pictures, and this one has none."""


class UnknownNameError(InputError):
    """A name that stands for nothing here."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        """Say what is unknown and what could have been meant.

        Args:
            kind: What was looked up, such as "dataset".
            name: The name that was given.
            known: The names that exist; at most twelve are listed.
        """
        names = list(known)
        listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        super().__init__(f"no {kind} is called {str(name)!r}; there is: {listed or 'none'}")
        self._parts = (kind, str(name), names)

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, list[str]]]:
        """Let it pass between processes: made anew from its parts, not from its text."""
        return type(self), self._parts


class NoSuchItemError(UnknownNameError, IndexError):
    """A name or a place in a sequence that holds nothing; sequences end with an IndexError."""


class ModelError(AsmaError):
    """A network that can't be loaded, or whose output can't be used."""


class DeviceError(AsmaError):
    """A device that is absent, unknown or out of memory."""


class StoreError(AsmaError):
    """The data folder can't be read or written."""


class UnknownRunError(StoreError):
    """No run has that id."""


class UnknownExperimentError(StoreError):
    """No experiment has that id."""


class UnknownReviewError(StoreError):
    """No review has that id."""


class JudgementChangedError(StoreError):
    """Somebody else has changed a verdict, a note or tags since their editing began."""


class RunStateError(StoreError):
    """The run or experiment is not in a state that allows what was asked."""


class NotAllowedError(AsmaError):
    """Nobody is signed in, or the role of who is does not allow what was asked."""
