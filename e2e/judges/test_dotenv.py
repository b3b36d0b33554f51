"""A file that Paddock has written is read by three parsers: only the pair differs from what they read before."""

import importlib.metadata
import io
import json
import os
import subprocess

import dotenv
import pytest

from conftest import HERE, ID_NAME, KEY_ID, SECRET_KEY, SECRET_NAME, deliver, node, npm_version

FILES = {
    "empty": "",
    "plain": f"A=b\n{ID_NAME}=PKOLD\n{SECRET_NAME}=old\nZ=1\n",
    "export": f"export A='b c'\nexport {ID_NAME}='PKOLD'\nexport {SECRET_NAME}=\"old\"\n",
    "no end": "A=b",
    "comments": f"# {ID_NAME}=no\n\nA=b\n{ID_NAME}=PKOLD # mine\n{SECRET_NAME}=old\n",
    "lines": f"TEXT='one\n{ID_NAME}=not this\nthree'\n{ID_NAME}=PKOLD\n{SECRET_NAME}=old\nZ=\"q\"\n",
    "twice": f"{ID_NAME}=PK0\n{ID_NAME}=PK1\n{SECRET_NAME}=old\n",
}
CRLF = {"carriage returns": f"A=b\r\n{ID_NAME}=PKOLD\r\nZ='x y'\r\n"}


def by_python(path):
    return dict(dotenv.dotenv_values(stream=io.StringIO(path.read_text()), interpolate=True))


def by_node(path):
    code = "import d from 'dotenv'; import f from 'fs'; console.log(JSON.stringify(d.parse(f.readFileSync(process.env.FILE))))"
    return json.loads(node(code, FILE=str(path)))


def by_shell(path):
    done = subprocess.run(
        ["sh", "-c", "set -a; . \"$1\"; exec env -0", "sh", str(path)], env={}, capture_output=True, check=True
    )
    pairs = (one.split("=", 1) for one in done.stdout.decode().split("\0") if one)
    return {name: value for name, value in pairs if name not in ("PWD", "_", "SHLVL", "OLDPWD")}


READERS = {
    "python-dotenv": (by_python, lambda: importlib.metadata.version("python-dotenv"), {**FILES, **CRLF}),
    "dotenv (Node.js)": (by_node, lambda: npm_version("dotenv"), {**FILES, **CRLF}),
    "sh": (by_shell, lambda: "POSIX", FILES),
}


def marked(reader):
    return pytest.param(reader, marks=pytest.mark.large) if "Node.js" in reader else reader


@pytest.mark.parametrize("reader", [marked(reader) for reader in READERS])
def test_readers_agree(tmp_path, judged, reader):
    read, version, files = READERS[reader]
    folder = tmp_path.resolve()
    for number, text in enumerate(files.values()):
        path = folder / f"{number}.env"
        path.write_bytes(text.encode())
        before = read(path)
        deliver({"kind": "dotenv", "path": str(path)}, folders=[str(folder)])
        assert read(path) == {**before, ID_NAME: KEY_ID, SECRET_NAME: SECRET_KEY}, text
    judged(".env file", reader, version(), f"reads the pair and nothing else new in {len(files)} files")
