# SPDX-License-Identifier: ISC
"""What the benchmarks share: options, a folder, the file of figures; and the
pairs of autossh and ssh that hawser is measured beside."""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
sys.dont_write_bytecode = True

from lib import hawserd, proc                   # noqa: E402


def main(doc, add_options, run):
    """run(folder, arguments) gives the figures, which --json names a file
    for. add_options gets the parser."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--build", default=os.environ.get(
        "HAWSER_BUILD_DIR", "."), help="folder of the built programs")
    parser.add_argument("--json", help="write the figures there, too")
    add_options(parser)
    arguments = parser.parse_args()
    hawserd.BUILD = os.path.abspath(arguments.build)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    proc.become_subreaper()
    folder = tempfile.mkdtemp(prefix="hw-bench-")
    try:
        found = run(folder, arguments)
    finally:
        shutil.rmtree(folder)
    if arguments.json:
        with open(arguments.json, "w", encoding="ascii") as f:
            json.dump(found, f, indent=1)


def end(process):
    process.terminate()
    process.wait()


def start_autossh(stack, sshd, forward):
    """One pair with ssh's -L forward, which listens in a while; gives
    autossh's pid. None if there is no autossh here."""
    if not shutil.which("autossh"):
        return None
    command = sshd.ssh("-N", "-L", forward)
    command[0:1] = ["autossh", "-M", "0"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    stack.callback(end, process)
    return process.pid
