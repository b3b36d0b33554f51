"""Nothing that the client offers was left out; runs after all other tests."""

from alpaca_trade_api import REST, AsyncRest, Stream

# What no test calls, with the reason.
EXCUSED = {
    "REST.response_wrapper": "makes an entity of an answer that it is given; there is no request in it",
    "Stream.stop_ws": "the same as `stop`, for callers in the loop of the stream",
}


def test_every_public_method_is_called_or_excused(surface, request):
    if len({item.path.name for item in request.session.items}) < 5:
        return  # Some of the tests were asked for.
    assert surface.missing([REST, AsyncRest, Stream], EXCUSED) == []
