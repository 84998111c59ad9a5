"""The editor keeps its drawings, and says what it can't use."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from asma_core.errors import InputError
from ui.editor.drawings import Drawing, Drawings
from ui.editor.target_editor import Ground, _packed, n_edits, painted, painted_region

BASE = np.zeros((30, 40), dtype=np.int64)
BASE[10:20, 10:20] = 1
GREY = np.zeros((30, 40, 3), np.uint8)


def ground(**changes: Any) -> Ground:
    values = {
        "identity": "a",
        "image": GREY,
        "base": BASE,
        "prediction": BASE,
        "classes": ("skin", "lesion"),
    }
    return Ground(**values | changes)


def rectangle(label: int = 1, layer: str = "target") -> dict[str, Any]:
    return {
        "kind": "rectangle",
        "left": 0.0,
        "top": 0.0,
        "width": 5.0,
        "height": 4.0,
        "class": label,
        "layer": layer,
    }


def report(revision: str, **more: Any) -> dict[str, Any]:
    head = {"start": "truth"}
    return {"identity": "a", "revision": revision, "turns": 0, "head": head, "label": 1} | more


def page() -> None:
    import numpy as np

    from ui.editor.target_editor import Ground, target_editor

    labels = np.zeros((30, 40), dtype=np.int64)
    ground = Ground("a", np.zeros((30, 40, 3), np.uint8), labels, labels, ("skin", "lesion"))
    target_editor("target", ground, {})


def test_a_page_shows_it() -> None:
    assert not AppTest.from_function(page).run().exception


def test_before_anything_is_drawn_the_mask_is_the_base() -> None:
    kept = Drawings().of("a")
    np.testing.assert_array_equal(painted(BASE, kept, 2), BASE)
    assert painted_region(None, kept, (30, 40)) is None
    assert n_edits(kept) == 0


def test_what_the_browser_reports_is_painted() -> None:
    drawings = Drawings()
    kept = drawings.of("a")
    drawings.hear(report(kept.revision, shapes=[rectangle(), rectangle(0, "region")]))
    expected = BASE.copy()
    expected[:4, :5] = 1
    np.testing.assert_array_equal(painted(BASE, kept, 2), expected)
    region = painted_region(None, kept, (30, 40))
    assert region is not None
    assert region.sum() == region.size - 20
    assert n_edits(kept) == 1


def test_a_class_that_the_network_has_not_is_left_out_and_kept() -> None:
    drawings = Drawings()
    kept = drawings.of("a")
    drawings.hear(report(kept.revision, shapes=[rectangle(2)]))
    np.testing.assert_array_equal(painted(BASE, kept, 2), BASE)
    assert painted(BASE, kept, 3)[0, 0] == 2


def test_only_painting_where_all_may_change_says_only_here() -> None:
    drawings = Drawings()
    kept = drawings.of("a")
    drawings.hear(report(kept.revision, shapes=[rectangle(1, "region")]))
    region = painted_region(None, kept, (30, 40))
    assert region is not None
    assert region.sum() == 20
    near = np.zeros((30, 40), dtype=bool)
    near[20:, :] = True
    region = painted_region(near, kept, (30, 40))
    assert region is not None
    assert region.sum() == 20 + 400


@pytest.mark.parametrize("told", [None, 1, [], {}, {"identity": "b"}, {"identity": "a"}])
def test_a_report_of_another_image_or_drawing_is_passed_over(told: Any) -> None:
    drawings = Drawings()
    kept = drawings.of("a")
    drawings.hear(report(kept.revision, shapes=[rectangle()]))
    before = kept.drawing
    drawings.hear(told)
    assert kept.drawing == before


def test_undo_of_a_choice_is_told_once() -> None:
    drawings = Drawings()
    kept = drawings.of("a")
    drawings.hear(report(kept.revision))
    assert (kept.head, drawings.turned) == (None, "")
    drawings.hear(report(kept.revision, turns=1))
    assert (kept.head, drawings.turned) == ({"start": "truth"}, "a")
    drawings.turned = ""
    drawings.hear(report(kept.revision, turns=1, shapes=[rectangle()]))
    assert drawings.turned == ""


def test_what_is_sent_stays_the_same_until_something_is_given() -> None:
    drawings = Drawings()
    kept = drawings.of("a")
    first = _packed("target", ground(), kept, {})
    drawings.hear(report(kept.revision, shapes=[rectangle()]))
    assert _packed("target", ground(), kept, {}) == first
    kept.give(Drawing((rectangle(),)))
    sent = _packed("target", ground(), kept, {})
    header = json.loads(sent[4 : 4 + int.from_bytes(sent[:4], "little")])
    assert header["given"]["shapes"] == [rectangle()]
    assert sent != first


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image": np.zeros((30, 40), np.uint8)}, "RGB"),
        ({"base": np.zeros((40, 30), np.int64)}, r"shape \(30, 40\)"),
        ({"classes": ("a",)}, "at least one class"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ground(**changes)


def test_what_was_drawn_before_a_reload_is_taken_up_once() -> None:
    drawings = Drawings()
    drawings.hear_late(report("of-before", head={"start": "nothing"}, shapes=[rectangle()]))
    taken = drawings.take_late("a")
    assert taken is not None
    assert taken[0].shapes
    assert taken[1] == {"start": "nothing"}
    assert drawings.take_late("a") is None


def test_what_a_draft_has_already_is_not_taken_up_again() -> None:
    drawings = Drawings()
    told = report("of-before", head={"start": "nothing"}, shapes=[rectangle()])
    drawings.of("a").give(Drawing.from_browser(told))
    drawings.hear_late(told)
    assert drawings.take_late("a") is None
    drawings.hear_late("rubbish")
    drawings.hear_late({"identity": ["a"]})
    assert drawings.late == {}
