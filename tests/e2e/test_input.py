# SPDX-License-Identifier: ISC
"""Files with something wrong in them: one clear sentence with file:line, by
`hawser check` (all at once) and by `hawserd` (exit status 1)."""

import os
import shutil
import subprocess

import pytest

from lib import ports
from lib.hawserd import program, run_cli, stanza


class Problems:
    """Runs both programs over one configuration."""

    def __init__(self, hawserd):
        self.hawserd = hawserd

    def check(self, source=None, prefix=()):
        """What `hawser check` says about folder source, as one text."""
        done = run_cli("check", source or self.hawserd.conf, prefix=prefix,
                       environment=self.hawserd.environment)
        return done.returncode, done.stdout + done.stderr

    def start(self, source=None, prefix=()):
        """What hawserd says about it, which must end with 1."""
        command = [*prefix, program("hawserd"),
                   *(source or ("-c", self.hawserd.conf)),
                   "--worker", program("hawser-worker"),
                   "--socket", self.hawserd.socket]
        done = subprocess.run(command, env=self.hawserd.environment,
                              stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=30, check=False)
        assert done.returncode == 1, done
        return done.stderr

    def expect(self, *needles):
        """Both programs fail, and one line of each has all the needles."""
        code, said = self.check()
        assert code == 1, said
        for text in (said, self.start()):
            assert any(all(n.lower() in line.lower() for n in needles)
                       for line in text.splitlines()), (needles, text)


@pytest.fixture
def problems(hawserd):
    return Problems(hawserd)


def write(hawserd, *lines, name="10-test.conf"):
    return hawserd.write("\n".join(lines) + "\n", name=name)


def test_good_file(problems, sshd):
    problems.hawserd.write(stanza("one", sshd,
                                  f"LocalForward {ports.free()} a:1"))
    code, said = problems.check()
    assert code == 0, said
    assert "error" not in said


def test_unknown_keyword_with_the_nearest_spelling(problems):
    path = write(problems.hawserd, "Host one", "\tHostName a",
                 "\tLocalForwrad 8080 b:80")
    problems.expect(f"{path}:3:", "LocalForwrad", "LocalForward")


@pytest.mark.parametrize("line,needle", (
    ("Port 70000", "70000"), ("Port 0", "0"), ("Port ssh22", "ssh22"),
    ("LocalForward 70000 a:80", "70000"),
    ("LocalForward 8080 a:0", "a:0"), ("LocalForward 8080", "8080"),
    ("RemoteForward x:y:z a:1", "x:y:z"),
    ("DynamicForward 99999", "99999"),
    ("ServerAliveInterval soon", "soon"),
    ("HawserBackoff 5m 1s", "HawserBackoff"), ("StrictHostKeyChecking maybe", "maybe"),
))
def test_bad_value(problems, line, needle):
    path = write(problems.hawserd, "Host one", "\tHostName a",
                 "\tLocalForward 8081 b:80", f"\t{line}")
    problems.expect(f"{path}:4:", needle)


def test_duplicate_listener(problems):
    path = write(problems.hawserd, "Host one", "\tHostName a",
                 "\tLocalForward 18080 b:80", "Host two", "\tHostName a",
                 "\tDynamicForward 18080")
    problems.expect(f"{path}:6:", "18080", "one")


def test_every_error_at_once(problems):
    first = write(problems.hawserd, "Host one", "\tHostName a",
                  "\tPort 70000", "\tNonsense yes",
                  "\tLocalForward 8080 b:80")
    second = write(problems.hawserd, "Host two", "\tHostName a",
                   "\tLocalForward 8081 b:99999", name="20-more.conf")
    code, said = problems.check()
    assert code == 1
    for where in (f"{first}:3:", f"{first}:4:", f"{second}:3:"):
        assert said.count(where) == 1, said


def test_missing(problems):
    nowhere = problems.hawserd.path("nowhere")
    code, said = problems.check(nowhere)
    assert code == 1 and nowhere in said
    assert nowhere in problems.start(("-c", nowhere))
    assert nowhere in problems.start(("-F", nowhere))


def test_dangling_link(problems):
    path = os.path.join(problems.hawserd.conf, "conf.d", "10-test.conf")
    os.symlink("nowhere", path)
    problems.expect(path)


def test_unreadable(problems):
    path = write(problems.hawserd, "Host one", "\tHostName a",
                 "\tLocalForward 8080 b:80")
    os.chmod(path, 0)
    # Root reads it all the same, unless it lacks the capability.
    prefix = () if os.getuid() else (
        "setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    for said in (problems.start(prefix=prefix),
                 problems.check(prefix=prefix)[1]):
        assert path in said and "ermission" in said


@pytest.mark.parametrize("mode", (0o602, 0o666, 0o646))
def test_writable_by_others(problems, mode):
    path = write(problems.hawserd, "Host one", "\tHostName a",
                 "\tLocalForward 8080 b:80")
    os.chmod(path, mode)
    problems.expect(path, "can be written by")


def test_folder_writable_by_others(problems):
    path = write(problems.hawserd, "Host one", "\tHostName a",
                 "\tLocalForward 8080 b:80")
    folder = os.path.dirname(path)
    os.chmod(folder, 0o777)
    problems.expect(folder, "can be written by")


@pytest.mark.skipif(os.getuid() != 0, reason="chown needs root")
def test_owned_by_another(problems):
    path = write(problems.hawserd, "Host one", "\tHostName a",
                 "\tLocalForward 8080 b:80")
    os.chown(path, 65534, 65534)
    problems.expect(path, "belongs to")


@pytest.mark.parametrize("mode", (0o644, 0o660, 0o604))
def test_key_that_others_may_read(problems, sshd, mode):
    key = problems.hawserd.path("key")
    shutil.copy(sshd.keys.ed25519, key)
    os.chmod(key, mode)
    path = problems.hawserd.write(
        stanza("one", sshd, f"LocalForward {ports.free()} a:1", key=key))
    with open(path, encoding="utf-8") as f:
        line = 1 + [ln.split()[:1] for ln in f].index(["IdentityFile"])
    problems.expect(f"{path}:{line}:", key)


def test_include_that_is_writable(problems):
    other = problems.hawserd.path("conf/other")
    with open(other, "w", encoding="ascii") as f:
        f.write("User me\n")
    os.chmod(other, 0o666)
    write(problems.hawserd, "Host one", f"\tInclude {other}",
          "\tHostName a", "\tLocalForward 8080 b:80")
    problems.expect(other, "can be written by")


def test_error_in_an_include(problems):
    other = problems.hawserd.path("conf/other")
    with open(other, "w", encoding="ascii") as f:
        f.write("# a comment\nPort 70000\n")
    os.chmod(other, 0o600)
    write(problems.hawserd, "Host one", f"\tInclude {other}",
          "\tHostName a", "\tLocalForward 8080 b:80")
    problems.expect(f"{other}:2:", "70000")


def test_bytes_that_are_no_text(problems):
    path = os.path.join(problems.hawserd.conf, "conf.d", "10-test.conf")
    with open(path, "wb") as f:
        f.write(b"Host one\n\tHostName a\n\tPort \xff\xfe\0\x01\n")
    os.chmod(path, 0o600)
    problems.expect(f"{path}:3:")


def test_usage():
    for arguments in (("-c",), ("-x",), ("-c", "a", "-F", "b"), ("extra",)):
        done = subprocess.run([program("hawserd"), *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=10, check=False)
        assert done.returncode == 2, (arguments, done)
        assert done.stderr
