"""An account: a person, or the server itself, with a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VIEWER: Final = "viewer"
REVIEWER: Final = "reviewer"
ENGINEER: Final = "engineer"
OWNER: Final = "owner"
# Each may all that those before it may.
ROLES: Final = (VIEWER, REVIEWER, ENGINEER, OWNER)


@dataclass(frozen=True)
class Account:
    """Who acts.

    Attributes:
        name: As the identity provider knows the person (an e-mail address where there is one), or
            the name of the system's account; "" for the server itself.
        role: One of `ROLES`.
        label: What people call the person; the name where nothing else is known.
    """

    name: str
    role: str
    label: str = ""

    @property
    def called(self) -> str:
        """What people call the person."""
        return self.label or self.name

    def is_at_least(self, role: str) -> bool:
        """Tell whether the account may all that a role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


def article(role: str) -> str:
    """Return what stands before a role in a sentence: "a" or "an"."""
    return "an" if role[0] in "eo" else "a"


# What goes on by itself: crashes are settled, queued jobs carried out.
SERVER: Final = Account("", OWNER)
