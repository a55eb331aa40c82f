#!/usr/bin/env python3
"""Makes one slip after another in the core, and says which of them the tests notice.

    tests/mutants/run.py [--scratch DIR] [--only TEXT] [--resume FILE]

Works on a copy of the committed tree (a clone in DIR), with its own target directory. A slip is
killed if it does not build, a test fails, or the tests take longer than --seconds; it has
survived if all tests that the list names for it pass. CARGO says which cargo to run.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutants.toml")
# What is compiled most often is compiled quickly; and of the random networks of a whole run, most
# slips are noticed by the first hundred.
ENVIRONMENT = {"CARGO_PROFILE_DEV_OPT_LEVEL": "0", "CARGO_PROFILE_DEV_DEBUG": "0", "SIM_COUNT": "500", "RUST_BACKTRACE": "0"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/cutthrough-mutants"))
    parser.add_argument("--only", default="", help="those whose description or file has this text")
    parser.add_argument("--resume", type=Path, help="verdicts of an earlier run, which are kept and added to")
    parser.add_argument("--seconds", type=int, default=600, help="how long the tests of one slip may take")
    return parser.parse_args()


def clone(scratch):
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    if not scratch.exists():
        subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, scratch], check=True)
    subprocess.run(["git", "-C", scratch, "fetch", "--quiet", ROOT, "HEAD"], check=True)
    subprocess.run(["git", "-C", scratch, "checkout", "--quiet", "--force", head.stdout.strip()], check=True)


def cargo_test(scratch, tests, seconds):
    """Whether the tests pass, and what was said last if they do not."""
    command = [*shlex.split(os.environ.get("CARGO", "cargo")), "test", "--quiet", "--locked", *shlex.split(tests)]
    environment = {**os.environ, **ENVIRONMENT}
    process = subprocess.Popen(
        command,
        cwd=scratch,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False, "it does not end"
    if process.returncode == 0:
        return True, ""
    lines = [line.strip() for line in said.splitlines()]
    if any(line.startswith("error[") or "could not compile" in line for line in lines):
        return False, "it does not build"
    failed = [line for line in lines if line.startswith("---- ") and line.endswith(" stdout ----")]
    if failed:
        return False, failed[0].split()[1]
    return False, next((line for line in reversed(lines) if "signal" in line), "it fails")


def mutate(scratch, mutant):
    path = scratch / mutant["file"]
    text = path.read_text()
    if text.count(mutant["old"]) != 1:
        sys.exit(f"{mutant['file']}: `{mutant['old']}` is there {text.count(mutant['old'])} times")
    path.write_text(text.replace(mutant["old"], mutant["new"]))
    return path, text


def main():
    options = arguments()
    listed = tomllib.loads(LIST.read_text())
    mutants = [m for m in listed["mutant"] if options.only in m["breaks"] or options.only in m["file"]]
    clone(options.scratch)
    for mutant in mutants:
        path, text = mutate(options.scratch, mutant)
        path.write_text(text)
    known = {}
    if options.resume and options.resume.exists():
        for line in options.resume.read_text().splitlines():
            verdict, breaks, why = line.split("\t")
            known[breaks] = (verdict, why)
    survived = 0
    for number, mutant in enumerate(mutants, 1):
        breaks, begin = mutant["breaks"], time.monotonic()
        if breaks not in known:
            path, text = mutate(options.scratch, mutant)
            verdict, why = "survived", ""
            try:
                for tests in listed["tests"][mutant["tests"]]:
                    passes, why = cargo_test(options.scratch, tests, options.seconds)
                    if not passes:
                        verdict = "no slip" if why == "it does not build" else "killed"
                        break
            finally:
                path.write_text(text)
            known[breaks] = (verdict, why)
            if options.resume:
                with options.resume.open("a") as file:
                    file.write(f"{verdict}\t{breaks}\t{why}\n")
        verdict, why = known[breaks]
        survived += verdict != "killed"
        took = time.monotonic() - begin
        print(f"{number:>3} {verdict:<8} {took:4.0f} s  {Path(mutant['file']).name}: {breaks} ({why})", flush=True)
    print(f"{len(mutants)} slips, {len(mutants) - survived} noticed")
    return survived > 0


if __name__ == "__main__":
    sys.exit(main())
