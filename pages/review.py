"""What people say of runs, asked blind: a review is made, answered, and read."""

from ui.address.browser import current
from ui.address.views import ReviewView
from ui.common.shell import through_app
from ui.review.list import review_list
from ui.review.result import review_result
from ui.review.taking import take_review

through_app()

view = current(ReviewView)
if view.review is None:
    review_list(view.runs)
elif view.take:
    take_review(view.review, view.reviewer)
else:
    review_result(view.review)
