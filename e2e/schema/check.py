"""Holds recorded exchanges against Alpaca's OpenAPI documents.

    check.py DOCUMENTS REPORT RECORD...

DOCUMENTS is the directory of `trading.openapi.yaml` and `data.openapi.yaml`, REPORT the JUnit file to write, and each RECORD a file
that `--record-exchanges` wrote. One test case is one operation with one status. Answers must be described, have every field that
they must have, and none that is not known.
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from xml.sax.saxutils import quoteattr

from descriptions import Description
from exceptions import EXTRA_OPERATIONS, UNDESCRIBED_SUCCESS

# Of long lists so many items at either end are looked at: the rest was made by the same code.
ENDS = 25
SHOWN = 3


def thinned(value):
    if isinstance(value, list):
        if len(value) > 2 * ENDS:
            value = value[:ENDS] + value[-ENDS:]
        return [thinned(item) for item in value]
    if isinstance(value, dict):
        return {name: thinned(item) for name, item in value.items()}
    return value


def words(error) -> str:
    """What is wrong where; of a choice, what is wrong with the branch that fits best."""
    while error.context:
        error = max(error.context, key=lambda each: (len(each.absolute_path), -each.schema_path[0]))
    place = "/".join(str(step) for step in error.absolute_path) or "the body"
    return f"{place}: {error.message[:300]}"


def error_fault(body, status: int) -> str | None:
    """What is wrong with an error body that no document describes: it has a message, and a code that begins with the status."""
    if not isinstance(body, dict) or not isinstance(body.get("message"), str) or not body["message"]:
        return "the error has no message"
    code = body.get("code")
    if code is not None and (type(code) is not int or (code // 100_000 != status and code != 40_010_001)):
        return f"the error's code is {code!r} with status {status}"
    return None


class Check:
    def __init__(self, documents: Path):
        self.descriptions = [Description(documents / f"{name}.openapi.yaml") for name in ("trading", "data")]
        self.checked = defaultdict(int)
        self.faults = defaultdict(list)
        self.extra = {
            name: self.descriptions[0].of(schema) for name, schema in EXTRA_OPERATIONS.items()
        }
        self.account = None
        self._seen = set()

    def exchange(self, line: dict) -> None:
        operation, status = line["operation"], line["status"]
        # What a fault made is what somebody asked for.
        if line.get("cut") or line.get("fault") or "response" not in line or operation is None or status == 101:
            return
        case = (operation, status)
        self.checked[case] += 1
        same = (operation, status, line["response"])
        if same in self._seen:
            return
        self._seen.add(same)
        for fault in self._faults(operation, status, line):
            self.faults[case].append(f"{line['method']} {line['target']}: {fault}")

    def _faults(self, operation: str, status: int, line: dict) -> list[str]:
        text, kind = line["response"], line["content_type"] or ""
        if operation in self.extra and status < 300:
            events = re.findall(r"^data: (.*)$", text, re.MULTILINE)
            return [words(e) for event in events for e in self.extra[operation].iter_errors(json.loads(event))]
        description = next((d for d in self.descriptions if operation in d.operations), None)
        if description is None and operation not in self.extra:
            return [f"no document has the operation {operation}"]
        answer = description and description.answer(operation, status)
        if status < 300 and answer is None and (operation, status) not in UNDESCRIBED_SUCCESS:
            return [f"no document describes an answer with status {status}"]
        if status == 204 or (answer is not None and status < 300 and "content" not in answer):
            return [] if not text or status != 204 else ["an answer with status 204 has a body"]
        if status == 401 and kind.startswith("text/html"):
            return [] if "401 Authorization Required" in text else ["the page does not say what is required"]
        if status < 300 and kind in (answer or {}).get("content", {}) and not kind.startswith("application/json"):
            return []
        if not kind.startswith("application/json"):
            return [f"the content type is {kind!r}"]
        try:
            body = json.loads(text)
        except ValueError as error:
            return [f"the body is no JSON: {error}"]
        if status >= 400:
            fault = error_fault(body, status)
            return [fault] if fault else []
        validator = description.validator(operation, status)
        if validator is None:
            return ["the document describes no JSON body"]
        faults = [words(error) for error in validator.iter_errors(thinned(body))]
        if operation == "getAccount" and not faults:
            self.account = body
        return faults

    def prove(self) -> None:
        """That the check can fail at all: a good account with a field more, or one less, is refused."""
        case, account = ("getAccount", 200), self.account
        if account is None:
            return
        self.checked["(the check itself)", 0] += 2
        missing = {name: value for name, value in account.items() if name != "status"}
        for changed in ({**account, "not_alpacas": 1}, missing):
            if self.descriptions[0].validator(*case).is_valid(changed):
                self.faults["(the check itself)", 0].append("a wrong account passes")

    def report(self, file: Path) -> bool:
        cases = []
        for case in sorted(self.checked):
            name = f"{case[0]} {case[1]}"
            faults = list(dict.fromkeys(self.faults[case]))
            print(f"{'FAIL' if faults else 'ok':>4}  {name:<50} {self.checked[case]:>6} answers")
            for fault in faults[:SHOWN]:
                print(f"      {fault}")
            failure = f"<failure message={quoteattr(faults[0])}/>" if faults else ""
            cases.append(f"<testcase name={quoteattr(name)}>{failure}</testcase>")
        print(f"checked {sum(self.checked.values())} answers of {len({name for name, status in self.checked if status})} operations")
        file.write_text(f"<testsuites><testsuite name='schema'>{''.join(cases)}</testsuite></testsuites>\n")
        return not any(self.faults.values())


def main() -> int:
    documents, report, records = Path(sys.argv[1]), Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]]
    check = Check(documents)
    for record in records:
        with record.open() as lines:
            for line in lines:
                check.exchange(json.loads(line))
    check.prove()
    return 0 if check.report(report) else 1


if __name__ == "__main__":
    sys.exit(main())
