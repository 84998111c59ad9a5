"""The workbench in the browser: page config and navigation."""

from contextlib import suppress

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.files import keep_to_ourselves
from ui.address import browser as address
from ui.address.history import keep_history
from ui.address.links import arrive
from ui.common import services
from ui.common.archive import archive_line
from ui.common.errors import show_errors
from ui.common.looks import dress
from ui.common.outbox import keep_outbox
from ui.common.presses import end_presses, keep_presses
from ui.common.rerun import begin_at_top
from ui.common.shell import PRODUCT, icon
from ui.common.sign_in import let_in, people_sign_in, sign_in_page
from ui.editor.drawings import drawing_hearers
from ui.judging.saving import judgement_hearers
from ui.review.answering import answer_hearers


def main() -> None:
    """Show the page that the address names."""
    begin_at_top()
    keep_to_ourselves()
    st.set_page_config(page_title=PRODUCT, page_icon=icon(), layout="wide", menu_items={})
    inside = let_in()
    # On top, so that the whole width belongs to the image.
    page = st.navigation(
        [
            st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
            st.Page("pages/datasets.py", title="Datasets", icon=":material/photo_library:"),
            st.Page("pages/models.py", title="Models", icon=":material/account_tree:"),
            st.Page("pages/attack.py", title="Attack", icon=":material/draw:"),
            st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
            st.Page("pages/runs.py", title="Runs", icon=":material/table_rows:"),
            st.Page("pages/experiments.py", title="Experiments", icon=":material/bar_chart:"),
            st.Page("pages/defences.py", title="Defences", icon=":material/shield:"),
            st.Page("pages/review.py", title="Review", icon=":material/groups:"),
            *(
                [st.Page("pages/account.py", title="Account", icon=":material/person:")]
                if people_sign_in()
                else []
            ),
        ],
        position="top" if inside else "hidden",
    )
    dress()
    if not inside:
        sign_in_page()
        return
    keep_presses(page.url_path, address.sent())
    address.begin()
    keep_history(page.url_path)
    answers = answer_hearers(services.reviews)
    keep_outbox(page.url_path, judgement_hearers(services.store) | drawing_hearers() | answers)
    arrive(page.url_path)
    archive_line()
    with show_errors():
        page.run()
    end_presses()
    # After the page, so that the first one does not wait for two processes that import torch.
    # What is wrong with the store, the page has said.
    with suppress(AsmaError):
        services.warm()


# A spawned worker imports this file as "__mp_main__", and must not show a page.
if __name__ == "__main__":
    main()
