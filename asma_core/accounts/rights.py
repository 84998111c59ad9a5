"""What the roles may.

| role | may |
| --- | --- |
| viewer | look |
| reviewer | and judge: verdicts, notes, tags, answers in a review |
| engineer | and upload, attack, train, ask for experiments; change and delete what is theirs |
| owner | all |

It is asked in the services of `asma_core`, so that no page can forget it.
"""

from __future__ import annotations

from asma_core.accounts.account import ENGINEER, OWNER, REVIEWER, Account, article
from asma_core.accounts.current import account
from asma_core.errors import NotAllowedError


def check_judging() -> Account:
    """Return who acts, if they may judge.

    Raises:
        NotAllowedError: They may not.
    """
    return _check(REVIEWER, "judge or note anything")


def check_making() -> Account:
    """Return who acts, if they may upload, attack, train and ask for experiments.

    Raises:
        NotAllowedError: They may not.
    """
    return _check(ENGINEER, "upload, attack or train")


def check_asking() -> Account:
    """Return who acts, if they may ask others for a review.

    Raises:
        NotAllowedError: They may not.
    """
    return _check(ENGINEER, "make a review")


def check_changing(author: str, thing: str) -> Account:
    """Return who acts, if they may change, stop or delete a thing.

    Args:
        author: Whose it is; "" for nobody's, as what is of before accounts.
        thing: In a sentence: "run 12345678".

    Raises:
        NotAllowedError: They may not.
    """
    who = _check(ENGINEER, f"change {thing}")
    if who.role != OWNER and author != who.name:
        whose = f"belongs to {author}" if author else "is of before people signed in"
        raise NotAllowedError(f"{thing} {whose}; only they or an owner of the server may change it")
    return who


def may_see(author: str, *, private: bool) -> bool:
    """Tell whether who acts may see a thing of somebody's."""
    if not private:
        return True
    who = account()
    return who.role == OWNER or author == who.name


def may_change(author: str) -> bool:
    """Tell whether who acts may change a thing of somebody's; for what a page offers."""
    who = account()
    return who.role == OWNER or (who.is_at_least(ENGINEER) and author == who.name)


def _check(role: str, what: str) -> Account:
    who = account()
    if not who.is_at_least(role):
        raise NotAllowedError(
            f"as a {who.role} you can't {what}; ask an owner of this server for the role of "
            f"{article(role)} {role}"
        )
    return who
