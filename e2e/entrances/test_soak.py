"""A short soak: many programs while much goes wrong at the broker. `cargo xtask bench soak` runs it for ten minutes."""

import json
import subprocess

from conftest import HERE, PYTHON


def test_nothing_is_lost_doubled_or_missed():
    words = ["--seconds", "15", "--keys", "100", "--sockets", "60", "--accounts", "4", "--workers", "20"]
    program = HERE.parent / "soak/main.py"
    done = subprocess.run([PYTHON, str(program), *words], capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["orders_in_book"] > 20 and sum(found["faults"].values()) > 5, found
