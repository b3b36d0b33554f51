"""A program that trades and streams through its access key in a loop while the account's pair is replaced: it sees no error."""

import pytest

from broker import Broker, Gateway
from rotation import rotate


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path / "broker", "--rate-limit", "1000000")
    yield broker
    assert broker.stop() == 0


@pytest.fixture
def gateway(tmp_path, broker):
    gateway = Gateway(tmp_path / "data", broker)
    yield gateway
    assert gateway.stop() == 0


def test_a_rotation_passes_a_trading_program_by(broker, gateway):
    seen = rotate(broker, gateway)
    assert seen.errors == []
    print(
        f"\nrotation with a trading program: {seen.rounds} rounds, no errors; new orders held back for {seen.held_back:.2f} s, {seen.after_paste:.2f} s "
        f"of it after the paste; slowest request {seen.slowest:.2f} s; longest silence of the stream {seen.silence:.2f} s"
    )
