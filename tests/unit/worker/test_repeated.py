"""What happens again and again is said once a while."""

from worker.repeated import Repeated


def test_the_same_text_is_news_again_after_a_minute() -> None:
    now = 0.0
    repeated = Repeated(clock=lambda: now)

    assert repeated.is_news("full")
    assert not repeated.is_news("full")
    now = 61.0
    assert repeated.is_news("full")


def test_another_text_is_news_at_once() -> None:
    repeated = Repeated()

    assert [repeated.is_news(text) for text in ("full", "gone", "full")] == [True] * 3
