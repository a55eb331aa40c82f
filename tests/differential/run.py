#!/usr/bin/env python3
"""Runs random pipelines over random tables and compares what comes out with DuckDB.

    python3 run.py --binary target/release/cutthrough --count 1000
    python3 run.py --binary target/release/cutthrough --seed 4711     # one case, shown

Needs the package `duckdb` of PyPI. Ends with 1 if there are differences.
"""

import argparse
import collections
import datetime
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import duckdb

from pipelines import APPROXIMATE, Pipeline
from tables import Table

# What DuckDB refuses and we define: ints that wrap around. What we refuse: a constant divisor of zero, and sums beyond
# an int. No comparison is made then.
# "BindBuiltin..." is an error of its own, of texts compared with what `regexp_extract` gives.
REFUSED_BY_DUCKDB = re.compile("overflow|out of range|Could not convert|BindBuiltinScalarFunction", re.IGNORECASE)
REFUSED_BY_CUTTHROUGH = re.compile("by zero|beyond 64 bits")


class Case:
    """What comes of a seed."""

    def __init__(self, seed, path):
        source = random.Random(seed)
        self.table = Table(source)
        self.parse = self.table.write(source, path)
        self.pipeline = Pipeline(source, self.table, self.parse, path)


def of_duckdb(connection, case):
    """The rows; none if DuckDB refuses."""
    try:
        for statement in case.table.sql():
            connection.execute(statement)
        return connection.execute(case.pipeline.query()).fetchall()
    except duckdb.Error as error:
        if REFUSED_BY_DUCKDB.search(str(error)):
            return None
        raise


def of_cutthrough(binary, case, path, engine):
    """The rows, or the error."""
    arguments = [binary, "-q", "--strict", "--engine", engine, case.pipeline.text(), path]
    done = subprocess.run(arguments, capture_output=True, timeout=60)
    if done.returncode != 0:
        return None, f"exit {done.returncode}: {done.stderr.decode(errors='replace')}"
    names = [column.name for column in case.pipeline.columns]
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    if any(list(row) != names for row in rows):
        return None, f"columns are {list(rows[0])}, not {names}"
    return [tuple(row.values()) for row in rows], None


def comparable(type, value):
    """A value of either side, so that what is the same compares equal."""
    if isinstance(value, list):
        return [comparable(None, item) for item in value]
    if isinstance(value, datetime.datetime):
        return ("time", round((value - datetime.datetime(1970, 1, 1)) / datetime.timedelta(microseconds=1)))
    if isinstance(value, str) and (type == "time" or type is None) and re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z$", value):
        return comparable(type, datetime.datetime.fromisoformat(value[:-1]))
    return value + 0.0 if isinstance(value, float) else value


def equal(type, a, b):
    if type == APPROXIMATE and a is not None and b is not None:
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-7)
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def difference(case, expected, found):
    """Where the rows differ, if they do."""
    types = [column.type for column in case.pipeline.columns]
    sides = [[tuple(comparable(t, v) for t, v in zip(types, row)) for row in rows] for rows in (expected, found)]
    if not case.pipeline.is_ordered:
        sure = [k for k, type in enumerate(types) if type != APPROXIMATE]
        sides = [sorted(rows, key=lambda row: repr([row[k] for k in sure] + list(row))) for rows in sides]
    expected, found = sides
    if len(expected) != len(found):
        return f"{len(found)} rows, not {len(expected)}"
    for number, (a, b) in enumerate(zip(expected, found)):
        for column, x, y in zip(case.pipeline.columns, a, b):
            if not equal(column.type, x, y):
                return f"row {number}, {column.name}: {y!r}, not {x!r}"
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--binary", default="target/release/cutthrough")
    arguments.add_argument("--count", type=int, default=1000)
    arguments.add_argument("--first", type=int, default=0, help="the first seed")
    arguments.add_argument("--seed", type=int, help="this case alone, shown")
    options = arguments.parse_args()
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("SET error_on_division_by_zero = false")
    connection.execute("SET order_by_non_integer_literal = true")
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.count)
    tally, begun = collections.Counter(), time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "table")
        for seed in seeds:
            case = Case(seed, path)
            expected = of_duckdb(connection, case)
            if expected is None:
                tally["refused by DuckDB"] += 1
                continue
            found, error = of_cutthrough(options.binary, case, path, "interpreter" if seed % 8 == 0 else "jit")
            if error and REFUSED_BY_CUTTHROUGH.search(error):
                tally["refused by us"] += 1
                continue
            why = error or difference(case, expected, found)
            tally["different" if why else "the same"] += 1
            if options.seed is not None:
                print(open(path, encoding="utf-8", newline="").read())
                print(case.pipeline.text(), case.pipeline.query(), f"expected {expected}", f"found {found}", sep="\n\n")
            if why:
                print(f"seed {seed}: {why}\n  {case.pipeline.text()}\n  again: {sys.argv[0]} --binary {options.binary} --seed {seed}", flush=True)
    counts = ", ".join(f"{count} {what}" for what, count in sorted(tally.items()))
    print(f"{counts}; {time.monotonic() - begun:.0f} s")
    sys.exit(1 if tally["different"] else 0)


if __name__ == "__main__":
    main()
