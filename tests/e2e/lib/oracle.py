# SPDX-License-Identifier: ISC
"""ssh -G and hawser show, asked about the same files.

ssh -G may run commands (Match exec) and ask DNS, so both run without a
network and as nobody."""

import os
import re
import shutil
import subprocess

from lib.hawserd import program
from lib.sshd import UNPACKED

NEW_SSH = os.path.join(UNPACKED, "usr", "bin", "ssh")
NOBODY = "65534"

# ssh's lists of algorithms depend on its build. hawser prints such a line only
# if a file sets it, and leaves "+", "-" and "^" as they were written.
ALGORITHMS = {
    "ciphers", "macs", "kexalgorithms", "hostkeyalgorithms",
    "hostbasedacceptedalgorithms", "pubkeyacceptedalgorithms",
    "casignaturealgorithms", "gssapikexalgorithms"}

# Keywords whose default is printed by newer versions alone.
NEWER = {"obscurekeystroketiming", "channeltimeout"}

LOOP = """
while IFS='\t' read -r file host; do
	{asker} "$file" {extra} "$host" </dev/null >out 2>err
	echo "@@@ $?"; cat out; echo "@@@ errors"; cat err
done
"""


def judges():
    """The programs that know what a line means to ssh."""
    if "HAWSER_JUDGE" in os.environ:
        return [os.environ["HAWSER_JUDGE"]]
    return ["ssh"] + [NEW_SSH] * os.access(NEW_SSH, os.X_OK)


def version(ssh):
    """A judge's version: 9.2, 10.0..."""
    said = subprocess.run([ssh, "-V"], capture_output=True, check=True)
    return float(re.search(rb"OpenSSH_(\d+\.\d+)", said.stderr)[1])


class Answer:
    """What one of them said about one name in one file."""

    def __init__(self, text):
        code, _, rest = text.partition("\n")
        lines, _, self.errors = rest.partition("@@@ errors\n")
        self.code = int(code)
        self.values = {}
        for line in lines.splitlines():
            name, _, value = line.partition(" ")
            self.values.setdefault(name.lower(), []).append(value)


class Asker:
    """Runs programs on files below folder, which nobody may read."""

    def __init__(self, folder, ssh):
        self.folder = folder
        self.version = version(ssh)
        os.chmod(folder, 0o755)
        self.hawser = os.path.join(folder, "hawser")
        shutil.copy(program("hawser"), self.hawser)
        self._ssh = os.path.join(folder, "ssh")
        shutil.copy(shutil.which(ssh), self._ssh)
        self.scratch = os.path.join(folder, "scratch")
        os.mkdir(self.scratch)
        os.chown(self.scratch, int(NOBODY), int(NOBODY))

    def put(self, name, text):
        """Writes a file for both to read. The path."""
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, 0o644)
        return path

    def _ask(self, asker, extra, pairs, environment):
        done = subprocess.run(
            ["unshare", "-n", "setpriv", "--reuid", NOBODY, "--regid", NOBODY,
             "--clear-groups", "sh", "-c",
             LOOP.format(asker=asker, extra=extra)],
            input="".join(f"{f}\t{h}\n" for f, h in pairs).encode(),
            capture_output=True, check=True, cwd=self.scratch, timeout=600,
            env={"HOME": "/nonexistent", "PATH": os.environ["PATH"],
                 **(environment or {})})
        text = done.stdout.decode("latin-1")
        return [Answer(t) for t in re.split(r"(?m)^@@@ (?=\d)", text)[1:]]

    def ssh(self, pairs, environment=None):
        return self._ask(f"{self._ssh} -G -F", "", pairs, environment)

    def show(self, pairs, environment=None):
        return self._ask(f"{self.hawser} show --ssh-defaults -F", "", pairs,
                         environment)


def names_of(text):
    """The names on Host lines that aren't patterns."""
    names = []
    for line in text.decode("latin-1").splitlines():
        found = re.match(r"(?i)\s*host[\s=]+(.*)", line)
        if not found:
            continue
        for word in re.findall(r'"[^"]*"|\S+', found[1]):
            if word.startswith("#"):
                break
            word = word.strip('"')
            if word and not re.search(r"[*?!]", word) and word not in names:
                names.append(word)
    return names


def _is_path(spec, locals_):
    return any(line.split(" ")[0] == spec and "/" in line for line in locals_)


def differences(judge, ours):
    """What the two say differently: a list of sentences."""
    if judge.code or ours.code:
        if bool(judge.code) == bool(ours.code):
            return []
        return [f"ssh exits with {judge.code}: {judge.errors}",
                f"hawser with {ours.code}: {ours.errors}"]
    found = []
    for name in sorted(judge.values.keys() | ours.values.keys()):
        if name.startswith("hawser"):
            continue
        theirs = judge.values.get(name, [])
        mine = ours.values.get(name, [])
        if name in ALGORITHMS and (not mine or mine[0][0] in "+-^"):
            continue
        if name in NEWER and not theirs:
            continue
        if name == "dynamicforward":
            # ssh prints LocalForwards to or from a socket here once more.
            locals_ = judge.values.get("localforward", [])
            theirs = [v for v in theirs if not _is_path(v, locals_)]
        if name == "identityfile" and len(theirs) == len(mine) + 1:
            # The last default that 9.2 has and 10.0 hasn't.
            theirs = [v for v in theirs if v != "~/.ssh/id_dsa"]
        if theirs != mine:
            found.append(f"{name}: ssh {theirs}, hawser {mine}")
    return found
