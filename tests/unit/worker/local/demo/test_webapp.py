import requests

from uprid_sandbox.answers import JSON_TYPE
from worker.local.demo.webapp import WebApp


def _post(url: str, body: bytes) -> int:
    return requests.post(url, body, headers={"Content-Type": JSON_TYPE}, timeout=10).status_code


def test_webapp_takes_a_notification_and_gives_it_once() -> None:
    with WebApp() as webapp:
        assert webapp.url.startswith("http://127.0.0.1:")
        assert _post(webapp.url, b'{"userPhone": "79000361000"}') == 200
        assert webapp.taken() == [{"userPhone": "79000361000"}]
        assert webapp.taken() == []


def test_webapp_keeps_notifications_in_their_order() -> None:
    with WebApp() as webapp:
        for number in range(3):
            _post(webapp.url, b'{"notificationId": %d}' % number)
        assert [each["notificationId"] for each in webapp.taken()] == [0, 1, 2]
