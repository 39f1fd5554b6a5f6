"""The scanner of these tests: the stand-in, which a test can make wait or misbehave by a file in the scanned commit."""

import json
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from local.qscanner.faults import TREE_FAULTS_VARIABLE, TREE_FILE
from local.qscanner.launcher import write_launcher
from local.qscanner.scan import RUN_LOG_VARIABLE
from tests.e2e.polling import until

_HOLD_FILE = ".hold"
_WAITING = """\
#!/bin/sh
# Whatever follows the word "repo" is the scanned folder.
for argument; do
  [ "$before" = repo ] && source=$argument
  before=$argument
done
if [ -f "$source/{file}" ]; then
  name=$(cat "$source/{file}")
  echo $$ >> {folder}/"$name".started
  until [ -e {folder}/"$name".released ]; do sleep 0.1; done
fi
exec {scanner} "$@"
"""


def fault(kind: str) -> dict[str, str]:
    """Give the file that makes the stand-in misbehave when it scans a commit with it."""
    return {TREE_FILE: json.dumps({"fault": kind})}


@dataclass(frozen=True)
class Hold:
    """Scans that wait until the test lets them go on."""

    folder: Path
    name: str

    @property
    def files(self) -> dict[str, str]:
        """The file that makes the scan of a commit with it wait."""
        return {_HOLD_FILE: self.name}

    @property
    def begun(self) -> int:
        """How many scans have begun to wait, the killed ones too."""
        path = self.folder / f"{self.name}.started"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def await_begun(self, scans: int = 1) -> None:
        """Wait until so many scans have begun."""
        until(lambda: self.begun >= scans, f"{scans} held scans to begin")

    def release(self) -> None:
        """Let all of them go on, also those that come later."""
        (self.folder / f"{self.name}.released").touch()


@dataclass(frozen=True)
class Scanner:
    """Where the scanner is, and what it left of its runs."""

    folder: Path

    @property
    def program(self) -> Path:
        """The executable."""
        return self.folder / "qscanner"

    def hold(self, name: str) -> Hold:
        """Make a hold; the name is a word of its own."""
        return Hold(self.folder, name)

    def runs(self) -> Counter[str]:
        """Count the finished or begun runs by commit; those that are held do not count yet."""
        path = self.folder / "runs.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return Counter(str(json.loads(line)["commit"]) for line in lines)


def write_scanner(folder: Path) -> Scanner:
    """Write the scanner into a folder, which is made."""
    folder.mkdir(parents=True)
    scanner = Scanner(folder)
    environment = {RUN_LOG_VARIABLE: str(folder / "runs.jsonl"), TREE_FAULTS_VARIABLE: "1"}
    stand_in = write_launcher(folder / "stand-in", environment)
    script = _WAITING.format(file=_HOLD_FILE, folder=shlex.quote(str(folder)), scanner=shlex.quote(str(stand_in)))
    scanner.program.write_text(script)
    scanner.program.chmod(0o755)
    return scanner
