"""The verifier in docs/audit.md, which anybody may write, on an export of a Paddock at work."""

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs" / "audit.md"


def test_the_verifier_of_the_docs(paddock, tmp_path):
    program = tmp_path / "verify.py"
    program.write_text(re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL).group(1))
    assert len(program.read_text().splitlines()) <= 50

    def verify(file: Path) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, str(program), str(file)], capture_output=True, text=True, timeout=60, check=False)

    paddock.cli("audit", "key", "--rotate")
    paddock.create_key("--preset", "read-only")
    export = tmp_path / "audit.jsonl"
    paddock.cli("audit", "export", str(export))
    done = verify(export)
    assert done.returncode == 0, done.stderr
    assert paddock.cli("audit", "key")["public_key"] in done.stdout

    lines = export.read_bytes().splitlines(keepends=True)
    middle = len(lines) // 2
    changed = lines[middle].replace(b"2", b"3", 1)
    for tampered in [
        [*lines[:middle], changed, *lines[middle + 1 :]],
        [*lines[:middle], *lines[middle + 1 :]],
        [lines[0], lines[2], lines[1], *lines[3:]],
        lines[:-1],
    ]:
        export.write_bytes(b"".join(tampered))
        assert verify(export).returncode != 0
        assert paddock.run("audit", "verify", str(export)).returncode == 3
