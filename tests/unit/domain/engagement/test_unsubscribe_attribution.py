from shared.domain.engagement.events import BounceType, Confidence
from shared.domain.engagement.unsubscribes import Attribution, attribution
from tests.unit.domain.engagement.happenings import LINKS, after, bounced, clicked, sent

DAY = 24 * 60
ALL_LINKS = {"march": LINKS, "april": LINKS}


def test_a_click_on_the_unsubscribe_link_within_a_day_names_the_mailing() -> None:
    mailings = {"march": [sent(), clicked("5", 10)], "april": [sent(20)]}
    assert attribution(after(DAY), mailings, ALL_LINKS) == Attribution("march", Confidence.CLICKED)  # BULK-18


def test_without_that_click_the_newest_mailing_of_a_month_is_assumed() -> None:
    mailings = {"march": [sent(), clicked("1", 10)], "april": [sent(20)]}
    assert attribution(after(29 * DAY), mailings, ALL_LINKS) == Attribution("april", Confidence.ASSUMED)


def test_an_older_click_is_no_proof() -> None:
    assert attribution(after(2 * DAY), {"march": [clicked("5", 10)]}, ALL_LINKS) == Attribution(
        "march", Confidence.ASSUMED
    )


def test_without_a_mailing_in_a_month_no_mailing_is_named() -> None:
    assert attribution(after(31 * DAY), {"march": [sent()]}, ALL_LINKS) is None
    assert attribution(after(DAY), {}, {}) is None


def test_mail_that_came_back_was_not_received() -> None:
    assert attribution(after(DAY), {"march": [bounced(BounceType.HARD)]}, ALL_LINKS) is None


def test_a_mailing_after_the_unsubscribe_is_not_its_cause() -> None:
    mailings = {"march": [sent()], "april": [sent(DAY * 2)]}
    assert attribution(after(DAY), mailings, ALL_LINKS) == Attribution("march", Confidence.ASSUMED)
