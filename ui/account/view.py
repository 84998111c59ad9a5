"""Account: who is signed in, what they may, what they have brought, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from asma_core.accounts import quota
from asma_core.accounts.account import ENGINEER, OWNER, REVIEWER, VIEWER, article
from asma_core.accounts.belongings import DATASET, UPLOAD, Belonging, share, theirs_of
from asma_core.accounts.current import account
from asma_core.runs.uploads import delete_upload, kept_words, upload_name, upload_size
from asma_core.server_config import OIDC, settings
from ui.address.links import link
from ui.address.views import RunsView
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import moment
from ui.common.presses import pressed
from ui.common.rerun import rerun_page, whole
from ui.common.shell import name_tab
from ui.common.sign_in import settings_say, sign_out

MAY: Final = {
    VIEWER: "You can see what is shared.",
    REVIEWER: "You can see what is shared, and judge it: verdicts, notes, tags, reviews.",
    ENGINEER: "You can upload, attack, train and judge, and change and delete what is yours.",
    OWNER: "You can see, change and delete everything.",
}

_FULL: Final = (
    "Nearly full: beyond it nothing new is kept. Delete what you no longer need: runs on the page "
    "Runs, the rest below."
)


def account_view() -> None:
    """Show the account of who is signed in."""
    name_tab("Account")
    who = account()
    st.title(escape_markdown(who.called), anchor=False)
    named = f" as {escape_markdown(who.name)}" if who.called != who.name else ""
    st.markdown(f"Signed in{named}, {article(who.role)} **{who.role}** here. {MAY[who.role]}")
    if settings_say(OIDC):
        st.button("Sign out", icon=":material/logout:", key="account-out", on_click=whole(sign_out))
    if not who.is_at_least(ENGINEER):
        return
    _room()
    _runs()
    _things("Data sets", DATASET, lambda one: escape_markdown(one.name))
    _things("Uploaded images", UPLOAD, _upload_words)


def _room() -> None:
    taken, limit = quota.used(account().name), settings().quota_gb * quota.GB
    words = f"Your runs, images and data sets take {quota.in_gb(taken)}"
    if not limit:
        st.caption(f"{words}.")
        return
    st.progress(min(taken / limit, 1.0), f"{words} of {quota.in_gb(limit)}.")
    if quota.nearly_full(account()):
        st.warning(_FULL, icon=":material/hard_drive:")


def _runs() -> None:
    st.subheader("Runs", anchor=False)
    if days := settings().keep_runs_days:
        st.caption(f"Runs are deleted {days} days after they ended, but for those you keep.")
    link(RunsView(author=account().name), "Your runs", icon=":material/table_rows:")


def _things(title: str, kind: str, words: Callable[[Belonging], str]) -> None:
    found = theirs_of(account().name, kind)
    st.subheader(title, anchor=False)
    if kind == UPLOAD and (words_of_time := kept_words()):
        st.caption(words_of_time)
    if not found:
        st.caption("You have none.")
    for one in found:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(words(one), width="stretch")
            st.caption("Shared" if one.shared else "Only you see it", width="content")
            if kind == DATASET and not one.shared:
                st.button(
                    "Share",
                    key=f"account-share-{one.name}",
                    on_click=whole(_share),
                    args=(kind, one.name),
                )
            if kind == UPLOAD and pressed(st, "Delete", key=f"account-delete-{one.name}"):
                with show_errors():
                    delete_upload(one.name)
                    rerun_page()


def _upload_words(one: Belonging) -> str:
    size = quota.in_gb(upload_size(one.name))
    return f"{escape_markdown(upload_name(one.name))}, {size}, {moment(one.created)}"


def _share(kind: str, name: str) -> None:
    with show_errors():
        share(kind, name)
