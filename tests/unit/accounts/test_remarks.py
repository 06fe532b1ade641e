"""What is worth one line in the log, however often it is met."""

import pytest

from nvcf_operator.accounts.calls import MOST_REMARKS, Remarks


def test_each_text_is_logged_once_and_no_more_texts_than_a_log_bears(caplog: pytest.LogCaptureFixture) -> None:
    remarks = Remarks()
    for text in ("one", "two", "one"):
        remarks.warn(text)
    assert [record.message for record in caplog.records] == ["one", "two"]
    for number in range(2 * MOST_REMARKS):
        remarks.warn(f"request {number}")
    assert len(caplog.records) == MOST_REMARKS
