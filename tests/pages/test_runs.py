"""The Runs page: empty, full, and with runs that went wrong."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from asma_core.accounts.account import ENGINEER, REVIEWER, SERVER, VIEWER, Account
from asma_core.accounts.current import acting_as, ask
from asma_core.files import write_json
from asma_core.runs.run import CANCELLED, INTERRUPTED, Run
from asma_core.runs.search import RunSearch
from asma_core.runs.store import RunStore
from tests.pages import made_runs
from tests.pages.made_runs import Made
from tests.waiting import PATIENCE, until
from ui.common.errors import escape_markdown
from ui.runs import pictures

SCRIPT = '<script>alert("x")</script> *bold* \N{GRINNING FACE}\nsecond line'


@pytest.fixture
def runs(home: Path) -> RunStore:
    return RunStore(home)


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs stay queued: no worker is started."""
    monkeypatch.setattr("asma_core.jobs.queue.JobQueue._send", lambda *_: None)
    monkeypatch.setattr("asma_core.jobs.queue.JobQueue.warm", lambda *_: None)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    # A link needs the app's pages, which this page alone doesn't have.
    monkeypatch.setattr("ui.runs.cards.link", lambda *_, **__: None)

    def show() -> None:
        from ui.common.errors import show_errors
        from ui.runs.list import run_list

        with show_errors():
            run_list()

    return AppTest.from_function(show, default_timeout=PATIENCE)


def shown(page: AppTest) -> list[str]:
    """Return the ids in the table, from the top."""
    assert not page.exception
    return list(page.dataframe[0].value["run"]) if page.dataframe else []


def tick(page: AppTest, *runs: Run) -> AppTest:
    page.session_state["runs-selected"] = tuple(run.id for run in runs)
    return page.run()


def texts(page: AppTest) -> str:
    parts = [*page.caption, *page.markdown, *page.info, *page.error]
    return "\n".join(part.value for part in parts)


def test_an_empty_store_says_what_to_do(page: AppTest, runs: RunStore) -> None:
    # The link needs the app's pages, which this page alone doesn't have.
    page.run()
    assert "no runs yet" in page.info[0].value
    assert not page.dataframe


def test_runs_are_rows_newest_first_with_their_figures(page: AppTest, runs: RunStore) -> None:
    old = made_runs.finished(runs, Made(iou=0.9114, l2=3.456, success=False))
    new = made_runs.finished(runs, Made(attack="ssm-dpm"))
    page.run()
    assert shown(page) == [new.id, old.id]
    row = page.dataframe[0].value.iloc[1]
    assert row["iou"] == 0.9114
    assert row["l2"] == 3.456
    assert (row["outcome"], row["ended"]) == ("goal not reached", "steps used")
    assert row["goal"] == "towards mask of 0007"
    assert not {"structure_removed", "iou_lost"} & set(row.index), "no run has such a goal"
    assert row["picture"].startswith("data:image/jpeg;base64,")
    assert page.dataframe[0].value.iloc[0]["attack"] == "SSM + DPM"


def test_goals_share_no_column(page: AppTest, runs: RunStore) -> None:
    made_runs.finished(runs, Made())
    made_runs.finished(runs, Made(iou=None))
    page.run()
    hidden, towards = (page.dataframe[0].value.iloc[place] for place in (0, 1))
    assert (towards["iou"], hidden["structure_removed"]) == (0.981, 1.0)
    assert np.isnan(hidden["iou"]) and np.isnan(towards["structure_removed"])


def test_failed_and_interrupted_runs_say_why_and_can_be_repeated(
    page: AppTest, runs: RunStore
) -> None:
    interrupted = made_runs.failed(runs, "its process ended; repeat it", INTERRUPTED)
    page.run()
    row = page.dataframe[0].value.iloc[0]
    assert (row["outcome"], row["words"]) == ("interrupted", "its process ended; repeat it")
    tick(page, interrupted)
    assert "its process ended" in texts(page)
    other = made_runs.failed(runs, "the network gave NaN logits; check its weights")
    tick(page, interrupted, other)
    page.button(key="runs-repeat").click().run()
    assert not page.exception
    repeated = runs.newest()[:2]
    assert [run.state for run in repeated] == ["queued", "queued"]
    assert {run.spec.inputs_hash for run in repeated} == {interrupted.spec.inputs_hash}
    assert set(page.session_state["runs-selected"]) == {run.id for run in repeated}


def test_a_damaged_store_is_explained(page: AppTest, runs: RunStore, home: Path) -> None:
    made_runs.finished(runs)
    page.run()
    for name in ("runs.sqlite-wal", "runs.sqlite-shm"):
        (home / name).unlink(missing_ok=True)
    (home / "runs.sqlite").write_bytes(b"this is no database " * 100)
    page.run()
    assert not page.exception
    assert "is damaged" in page.error[0].value.replace("\\", "")


def test_runs_whose_files_are_gone_are_still_listed(page: AppTest, runs: RunStore) -> None:
    run = made_runs.finished(runs, files=False)
    page.run()
    assert shown(page) == [run.id]
    assert page.dataframe[0].value.iloc[0]["picture"] is None


def test_a_damaged_run_is_shown_with_what_to_do_and_can_be_deleted(
    page: AppTest, runs: RunStore, home: Path
) -> None:
    good, bad = made_runs.finished(runs), made_runs.finished(runs)
    with closing(sqlite3.connect(home / "runs.sqlite")) as database, database:
        database.execute("UPDATE runs SET spec = '{' WHERE id = ?", (bad.id,))
    page.run()
    assert shown(page) == [bad.id, good.id]
    row = page.dataframe[0].value.iloc[0]
    assert row["outcome"] == "damaged" and "store reindex" in row["words"]
    tick(page, bad)
    assert "store reindex" in texts(page)
    page.query_params["view"] = "cards"
    page.run()
    assert not page.exception
    page.button(key="runs-repeat").click().run()
    assert not page.exception and len(runs.newest()) == 2
    page.button(key="runs-delete").click().run()
    page.button(key="runs-delete-yes").click().run()
    assert not page.exception and [run.id for run in runs.newest()] == [good.id]


def test_rows_are_there_before_their_pictures(
    page: AppTest, runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.runs.list.WAIT", 0.0)
    may = Event()
    real = pictures._of_result

    def late(*asked: Any) -> bytes:
        assert may.wait(PATIENCE)
        return real(*asked)

    monkeypatch.setattr(pictures, "_of_result", late)
    run = made_runs.finished(runs)
    page.run()
    assert shown(page) == [run.id] and page.dataframe[0].value.iloc[0]["picture"] is None
    may.set()
    until(lambda: page.run().dataframe[0].value.iloc[0]["picture"] is not None)


def test_the_table_of_all_that_is_shown_is_of_who_asks(
    page: AppTest, runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, Any] = {}
    real = st.download_button

    def kept(*labels: str, data: Any, key: str, file_name: str, **more: Any) -> bool:
        files[key] = (labels[0], file_name, data)
        return real(*labels, data=data, key=key, file_name=file_name, **more)

    monkeypatch.setattr("streamlit.download_button", kept)
    asm, other = made_runs.finished(runs, Made(attack="asm")), made_runs.finished(runs)
    page.query_params["attack"] = "asm"
    page.run()
    label, name, table = files["runs-csv"]
    assert label == "Figures of the 1 shown (CSV)" and name == "asma-runs.csv"
    text = table().decode("utf-8-sig")
    assert asm.id in text and other.id not in text
    monkeypatch.setattr("ui.runs.actions.MOST_IN_A_CSV", 0)
    ask(lambda: Account("bob", VIEWER))
    try:
        page.run()
    finally:
        ask(None)
    with closing(sqlite3.connect(runs.home / "runs.sqlite")) as database, database:
        database.execute("UPDATE runs SET private = 1, author = 'bob'")
    runs.judgements.annotate(
        asm.id, note="what the list does not know of yet is taken in with this"
    )
    label, name, table = files["runs-csv"]
    assert label.endswith("(CSV in a zip)") and name == "asma-runs.zip"
    with acting_as(Account("eve", VIEWER)), zipfile.ZipFile(io.BytesIO(table())) as archive:
        assert asm.id in archive.read("runs.csv").decode()


@pytest.mark.parametrize("view", ["table", "cards"])
def test_where_people_sign_in_it_is_said_whose_runs_are_and_one_s_own_can_be_chosen(
    page: AppTest, runs: RunStore, home: Path, view: str
) -> None:
    (home / "config.toml").write_text('sign_in = "proxy"\ntrusted_proxy_header = "X-User"\n')
    with acting_as(SERVER):
        of_before = made_runs.finished(runs)
    ann, bob = Account("ann@example.org", ENGINEER), Account("bob", ENGINEER)
    with acting_as(bob):
        bobs = made_runs.finished(runs)
    with acting_as(ann):
        anns = made_runs.finished(runs)
    with closing(sqlite3.connect(runs.home / "runs.sqlite")) as database, database:
        database.execute("UPDATE runs SET private = 1 WHERE id = ?", (anns.id,))
    runs.judgements.annotate(anns.id, note="the list takes in what was changed beside it")
    page.session_state["runs-filter-view"] = view
    ask(lambda: ann)
    try:
        page.run()
        said = list(page.dataframe[0].value["by"]) if view == "table" else texts(page)
        for words in ("ann@example.org, not shared", "bob", "nobody who signed in"):
            assert words in said or f"by {escape_markdown(words)}" in said
        assert shown_anywhere(page) == [anns.id, bobs.id, of_before.id]
        whose = page.selectbox(key="runs-filter-author")
        assert whose.options == ["ann@example.org (you)", "bob", "nobody who signed in"]
        whose.select_index(0).run()
        assert page.query_params["author"] == "ann@example.org"
        assert shown_anywhere(page) == [anns.id]
    finally:
        ask(None)


def shown_anywhere(page: AppTest) -> list[str]:
    """Return the ids of the page, as rows or as cards."""
    return shown(page) or [str(box.key).removeprefix("runs-tick-") for box in page.checkbox]


def test_where_nobody_signs_in_runs_are_nobody_s(page: AppTest, runs: RunStore) -> None:
    made_runs.finished(runs)
    page.run()
    assert "by" not in page.dataframe[0].value.columns
    assert "runs-filter-author" not in [one.key for one in page.selectbox]


def test_what_polls_reads_no_run_until_one_changes(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made_runs.finished(runs)
    asked: list[str] = []
    for name in ("page", "among", "ids", "count", "choices"):
        monkeypatch.setattr(RunSearch, name, lambda *_, name=name, **__: asked.append(name))

    def poll() -> None:
        import streamlit as st

        from ui.runs import list as run_list

        st.session_state[run_list.DRAWN] = st.session_state["drawn"]
        run_list._watch(st.session_state["of the page"])
        run_list._rows(st.session_state["of the page"], True)

    again = AppTest.from_function(poll, default_timeout=PATIENCE)
    again.session_state["of the page"] = [run]
    again.session_state["drawn"] = (runs.search.revision(), ())
    reruns: list[None] = []
    monkeypatch.setattr("ui.runs.list.rerun_page", lambda: reruns.append(None))
    again.run()
    assert not again.exception and asked == [] and reruns == []
    runs.judgements.annotate(run.id, note="something new")
    again.run()
    assert reruns == [None, None]


def test_how_far_a_running_attack_is_stands_above_the_rows(page: AppTest, runs: RunStore) -> None:
    run = made_runs.queued(runs)
    page.run()
    assert page.dataframe[0].value.iloc[0]["outcome"] == "queued"
    runs.claim(run.id)
    page.run()
    assert page.dataframe[0].value.iloc[0]["outcome"] == "running"
    assert f"Run {run.id}: loading" in texts(page)
    write_json(runs.work_folder(run.id) / "live.json", {"step": 84, "steps": 300})
    page.run()
    assert f"Run {run.id}: step 84 of 300" in texts(page)
    runs.ask_to_stop(run.id)
    page.run()
    assert page.dataframe[0].value.iloc[0]["outcome"] == "stopping"
    runs.fail(run.id, "no luck")
    page.run()
    assert "step 84" not in texts(page)
    assert page.dataframe[0].value.iloc[0]["outcome"] == "failed"


def test_the_filter_narrows_and_is_in_the_address(page: AppTest, runs: RunStore) -> None:
    asm = made_runs.finished(runs, Made(attack="asm", target_name="mask of 0042"))
    made_runs.finished(runs)
    page.run()
    page.selectbox(key="runs-filter-attack").set_value("asm").run()
    assert shown(page) == [asm.id]
    assert page.query_params["attack"] == "asm"
    page.text_input(key="runs-filter-text").set_value("MASK 0042").run()
    assert shown(page) == [asm.id]
    page.text_input(key="runs-filter-text").set_value("nowhere").run()
    assert "No run fits" in page.info[0].value
    page.button(key="runs-clear").click().run()
    assert len(shown(page)) == 2
    assert "attack" not in page.query_params


def test_a_link_opens_what_it_names(page: AppTest, runs: RunStore) -> None:
    made_runs.finished(runs)
    stopped = made_runs.finished(runs, state=CANCELLED)
    page.query_params["outcome"] = "cancelled"
    page.query_params["view"] = "cards"
    page.run()
    assert not page.exception
    assert [box.label for box in page.checkbox] == [f"Tick run {stopped.id}"]


@pytest.mark.parametrize("value", ["<script>", "-1", "9" * 30, "", "../.."])
def test_a_strange_address_is_harmless(page: AppTest, runs: RunStore, value: str) -> None:
    run = made_runs.finished(runs)
    for name in ("page", "view", "sort"):
        page.query_params[name] = value
    page.run()
    assert shown(page) == [run.id]
    page.query_params["model"] = value or "x"
    page.run()
    assert not page.exception
    assert "No run fits" in page.info[0].value


def test_many_runs_come_in_pages(page: AppTest, runs: RunStore) -> None:
    made = [made_runs.finished(runs, files=False).id for _ in range(53)]
    page.run()
    assert shown(page) == made[:2:-1]
    page.button(key="runs-next").click().run()
    assert shown(page) == made[2::-1]
    assert page.query_params["page"] == "2"
    page.selectbox(key="runs-filter-sort").set_value("oldest").run()
    assert shown(page) == made[:50]


def test_what_people_said_is_shown_as_text(page: AppTest, runs: RunStore) -> None:
    run = made_runs.finished(runs)
    runs.judgements.annotate(run.id, note=SCRIPT, verdict=SCRIPT)
    tick(page.run(), run)
    assert "<script>" not in texts(page)
    assert r"\<script\>alert" in texts(page)
    page.query_params["view"] = "cards"
    page.run()
    assert not page.exception
    assert "<script>" not in texts(page)


def test_a_verdict_that_the_list_has_not_shown_is_not_overwritten_unseen(
    page: AppTest, runs: RunStore
) -> None:
    first, second = made_runs.finished(runs), made_runs.finished(runs, seed=2)
    tick(page.run(), first, second)
    with acting_as(Account("ann", REVIEWER)):
        runs.judgements.annotate(first.id, verdict="convincing", tags="hers")
    page.button(key="runs-verdict-all-visible").click().run()
    assert "changed by ann meanwhile, to 'convincing'" in page.error[0].value
    assert [runs.get(run.id).verdict for run in (first, second)] == ["convincing", "visible"]
    # Now it is seen.
    page.button(key="runs-verdict-all-visible").click().run()
    assert [runs.get(run.id).verdict for run in (first, second)] == ["visible", "visible"]
    page.button(key="runs-verdict-all-failed").click().run()
    assert [runs.get(run.id).verdict for run in (first, second)] == ["failed", "failed"]
    page.multiselect(key="runs-tags-all").set_value(["ours"]).run()
    assert [runs.get(run.id).tags for run in (first, second)] == ["hers, ours", "ours"]


def test_several_runs_get_one_verdict_and_more_tags(page: AppTest, runs: RunStore) -> None:
    first, second = made_runs.finished(runs), made_runs.finished(runs)
    runs.judgements.annotate(first.id, tags="old")
    tick(page.run(), first, second)
    page.button(key="runs-verdict-all-visible").click().run()
    page.multiselect(key="runs-tags-all").set_value(["paper"]).run()
    assert [run.verdict for run in runs.newest()] == ["visible", "visible"]
    assert runs.get(first.id).tags == "old, paper"
    assert runs.get(second.id).tags == "paper"


def test_deleting_asks_first_and_leaves_runs_that_have_not_ended(
    page: AppTest, runs: RunStore
) -> None:
    done, queued = made_runs.finished(runs), made_runs.queued(runs)
    tick(page.run(), done, queued)
    page.button(key="runs-delete").click().run()
    assert done.id in texts(page) and f"still queued or running: {queued.id}" in texts(page)
    page.button(key="runs-delete-no").click().run()
    assert len(runs.newest()) == 2
    page.button(key="runs-delete").click().run()
    page.button(key="runs-delete-yes").click().run()
    assert not page.exception
    assert [run.id for run in runs.newest()] == [queued.id]
    assert not runs.folder(done.id).exists()
    assert shown(page.run()) == [queued.id]
    assert page.session_state["runs-selected"] == (queued.id,)


def test_a_queued_run_can_be_stopped(page: AppTest, runs: RunStore) -> None:
    run = made_runs.queued(runs)
    tick(page.run(), run)
    page.button(key="runs-stop").click().run()
    assert not page.exception
    assert runs.get(run.id).state == "cancelled"
    assert page.button(key="runs-stop").disabled


def moves(page: AppTest) -> list[Any]:
    return [page.button(key=f"runs-{word}") for word in ("sooner", "later", "next-of-mine")]


def waiting(runs: RunStore) -> list[str]:
    return [one.id for one in runs.waiting()]


def test_ticked_runs_that_wait_are_put_before_and_behind_others_of_ones_own(
    page: AppTest, runs: RunStore
) -> None:
    a, b, c, d = (made_runs.queued(runs, seed=seed) for seed in range(4))
    assert all(button.disabled for button in moves(page.run()))
    tick(page, c, made_runs.finished(runs))
    page.button(key="runs-sooner").click().run()
    assert waiting(runs) == [a.id, c.id, b.id, d.id]
    page.button(key="runs-later").click().run()
    assert waiting(runs) == [a.id, b.id, c.id, d.id]
    tick(page, d, b).button(key="runs-next-of-mine").click().run()
    assert waiting(runs) == [b.id, d.id, a.id, c.id]
    assert not page.exception and not page.error
    # What has ended has no place in the line.
    for run in (b, d):
        runs.ask_to_stop(run.id)
    assert all(button.disabled for button in moves(page.run()))


def test_only_ones_own_of_the_ticked_runs_are_moved(
    page: AppTest, runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bo = Account("ann", ENGINEER), Account("bo", ENGINEER)
    with acting_as(ann):
        anns = [made_runs.queued(runs, seed=seed) for seed in range(2)]
    with acting_as(bo):
        bos = [made_runs.queued(runs, seed=seed) for seed in range(2)]
    monkeypatch.setattr("asma_core.accounts.rights.account", lambda: bo)
    assert all(button.disabled for button in moves(tick(page, *anns)))
    tick(page, anns[1], bos[1]).button(key="runs-next-of-mine").click().run()
    assert not page.exception and not page.error
    assert [one for one in waiting(runs) if one in {run.id for run in bos}] == [
        bos[1].id, bos[0].id
    ]  # fmt: skip
    assert [one for one in waiting(runs) if one in {run.id for run in anns}] == [
        run.id for run in anns
    ]


def test_a_run_that_began_meanwhile_is_a_sentence(page: AppTest, runs: RunStore) -> None:
    run = made_runs.queued(runs)
    tick(page, run)
    runs.claim(run.id)
    page.button(key="runs-later").click().run()
    assert not page.exception
    assert "does not wait any more" in page.error[0].value


def test_ticks_stay_with_their_runs_when_a_new_one_comes(page: AppTest, runs: RunStore) -> None:
    run = made_runs.finished(runs)
    tick(page.run(), run)
    made_runs.finished(runs)
    page.run()
    assert page.session_state["runs-selected"] == (run.id,)


def test_ticked_runs_of_one_image_are_compared_together(
    page: AppTest, runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    went: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(
        "streamlit.switch_page", lambda page, query_params: went.append((page, query_params))
    )
    one, two = (made_runs.finished(runs, Made(attack=name)) for name in ("asma", "asm"))
    other = made_runs.finished(runs, seed=1)
    tick(page.run(), one, two).button(key="runs-compare").click().run()
    (answer,) = went
    assert answer[0] == "pages/compare.py"
    assert {answer[1]["run"], answer[1]["with"]} == {one.id, two.id}
    assert tick(page, one, two, other).button(key="runs-compare").disabled
