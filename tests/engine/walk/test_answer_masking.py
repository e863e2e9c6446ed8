"""A secret that a service repeats is masked for later steps, even if a template transformed it before."""

from __future__ import annotations

import pytest

from relay.engine.walk.answer_masking import mask_answer
from relay.engine.walk.work_item import Outcome
from relay.masking import MASK
from relay.outbound import Answer
from tests.support.walking import work_item

SECRET = "Qz7vKp2mWx9rTb4Y"


@pytest.mark.parametrize("made", [SECRET, SECRET[::-1], SECRET.upper(), SECRET[2:12]])
def test_later_steps_see_no_form_of_a_secret_that_a_service_repeats(made: str) -> None:
    outcome = Outcome(work_item(), secrets={SECRET}, made={made})

    heard = mask_answer(Answer(200, {}, f'{{"got": "{made}"}}'.encode(), False, 0.1), outcome)

    assert heard.outputs({"body": {"got": made}}) == {"body": {"got": MASK}}
