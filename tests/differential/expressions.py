"""Random expressions, in the language and in SQL.

Each maker gives both texts. What is known to differ on purpose is not made; `docs/language.md` says what that is.
"""

import json

from tables import WORDS, constant, literal, value

# Whether a text matches is asked of patterns that both engines read alike.
PATTERNS = ["^a", "b$", "[xyz]", "^$", "a.c", "[0-9]+", "é|ü", "^.{2,3}$"]
DURATIONS = [("90m", "INTERVAL 90 MINUTE"), ("1h", "INTERVAL 1 HOUR"), ("3d", "INTERVAL 72 HOUR"), ("250ms", "INTERVAL 250 MILLISECOND")]
UNITS = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"]
PARTS = {"year": "year", "month": "month", "day": "day", "hour": "hour", "minute": "minute", "second": "second", "weekday": "isodow"}


def divisor(sql):
    """By zero, a quotient is null."""
    return f"nullif(CAST({sql} AS DOUBLE), 0)"


class Maker:
    """Makes expressions over some columns."""

    def __init__(self, random, columns):
        self.random, self.columns = random, columns

    def of(self, type, depth=2):
        """An expression of a type: its text, and its SQL."""
        if depth == 0 or self.random.random() < 0.25:
            return self.leaf(type)
        return getattr(self, type)(depth - 1)

    def leaf(self, type):
        known = [column for column in self.columns if column.type == type]
        if known and self.random.random() < 0.75:
            name = self.random.choice(known).name
            return name, f'"{name}"'
        return self.constant(type)

    def constant(self, type):
        known = value(self.random, type)
        text, sql = constant(type, known), literal(type, known)
        return (f"({text})", f"({sql})") if text.startswith("-") else (text, sql)

    def pick(self, *makers):
        return self.random.choice(makers)()

    def int(self, depth):
        def operator():
            op = self.random.choice(["+", "-", "*", "//", "%"])
            (a, x), (b, y) = self.of("int", depth), self.of("int", depth)
            return f"({a} {op} {b})", f"({x} {op} {y})"

        def length():
            a, x = self.of("text", depth)
            return f"len({a})", f"CAST(length({x}) AS BIGINT)"

        def of_float():
            a, x = self.of("float", depth)
            return f"int({a})", f"CAST(trunc({x}) AS BIGINT)"

        def of_text():
            a, x = self.of("text", depth)
            digits = "^[0-9]{1,18}$"
            return f"if({a} matches /{digits}/, int({a}), null)", f"(CASE WHEN regexp_matches({x}, '{digits}') THEN CAST({x} AS BIGINT) END)"

        def of_bool():
            a, x = self.of("bool", depth)
            return f"int({a})", f"CAST({x} AS BIGINT)"

        def bins():
            a, x = self.of("int", depth)
            size = self.random.randint(1, 9)
            return f"bin({a}, {size})", f"({x} - (({x} % {size}) + {size}) % {size})"

        def between():
            (a, x), (b, y) = self.of("time", depth), self.of("time", depth)
            return f"(({a} - {b}) // 1m)", f"((epoch_us({x}) - epoch_us({y})) // 60000000)"

        def part():
            a, x = self.of("time", depth)
            name = self.random.choice(list(PARTS))
            return f"{name}({a})", f"CAST(extract({PARTS[name]} FROM {x}) AS BIGINT)"

        return self.pick(operator, operator, length, of_float, of_text, of_bool, bins, between, part, lambda: self.magnitude("int", depth), lambda: self.common("int", depth))

    def float(self, depth):
        def operator():
            op = self.random.choice(["+", "-", "*", "/"])
            (a, x), (b, y) = self.of("float", depth), self.of(self.random.choice(["float", "int"]), depth)
            if self.random.random() < 0.5:
                (a, x), (b, y) = (b, y), (a, x)
            return f"({a} {op} {b})", f"(CAST({x} AS DOUBLE) {op} {divisor(y) if op == '/' else y})"

        def quotient():
            (a, x), (b, y) = self.of("int", depth), self.of("int", depth)
            return f"({a} / {b})", f"(CAST({x} AS DOUBLE) / {divisor(y)})"

        def whole():
            a, x = self.of("float", depth)
            name = self.random.choice(["floor", "ceil", "round"])
            return f"{name}({a})", f"{name}({x})"

        def root():
            a, x = self.of("float", depth)
            return f"sqrt(abs({a}))", f"sqrt(abs({x}))"

        def of_int():
            a, x = self.of("int", depth)
            return f"float({a})", f"CAST({x} AS DOUBLE)"

        return self.pick(operator, operator, quotient, whole, root, of_int, lambda: self.magnitude("float", depth), lambda: self.common("float", depth))

    def magnitude(self, type, depth):
        a, x = self.of(type, depth)
        return (f"abs({a})", f"abs({x})") if self.random.random() < 0.5 else (f"(-{a})", f"(-{x})")

    def common(self, type, depth):
        """What there is for values of any type."""

        def conditional():
            (c, z), (a, x), (b, y) = self.of("bool", depth), self.of(type, depth), self.of(type, depth)
            return f"if({c}, {a}, {b})", f"(CASE WHEN {z} THEN {x} ELSE {y} END)"

        def coalesce():
            (a, x), (b, y) = self.of(type, depth), self.of(type, depth)
            return (f"({a} ?? {b})" if self.random.random() < 0.5 else f"coalesce({a}, {b})"), f"coalesce({x}, {y})"

        def least():
            (a, x), (b, y) = self.of(type, depth), self.of(type, depth)
            ours, name = self.random.choice([("min", "least"), ("max", "greatest")])
            # Which of 0.0 and -0.0 is the least is not said.
            return f"({ours}({a}, {b}) + 0)", f"(CASE WHEN {x} IS NULL OR {y} IS NULL THEN NULL ELSE {name}({x}, {y}) END + 0)"

        return self.pick(conditional, coalesce, least) if type in ("int", "float") else self.pick(conditional, coalesce)

    def bool(self, depth):
        def comparison():
            type = self.random.choice(["int", "float", "text", "time", "mixed"])
            kinds = ("int", "float") if type == "mixed" else (type, type)
            (a, x), (b, y) = self.of(kinds[0], depth), self.of(kinds[1], depth)
            op = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
            if type == "mixed":
                x = f"CAST({x} AS DOUBLE)"
            return f"({a} {op} {b})", f"({x} {op} {y})"

        def logic():
            op = self.random.choice(["and", "or"])
            (a, x), (b, y) = self.of("bool", depth), self.of("bool", depth)
            return f"({a} {op} {b})", f"({x} {op} {y})"

        def negation():
            a, x = self.of("bool", depth)
            return f"(not {a})", f"(NOT {x})"

        def is_null():
            known = self.random.choice(self.columns)
            op, sql = self.random.choice([("==", "IS"), ("!=", "IS NOT")])
            return f"({known.name} {op} null)", f'("{known.name}" {sql} NULL)'

        def within():
            type = self.random.choice(["int", "text", "float", "time"])
            a, x = self.of(type, depth)
            items = [self.constant(type) for _ in range(self.random.randint(1, 4))]
            no = self.random.random() < 0.3
            ours, sql = ", ".join(item[0] for item in items), ", ".join(item[1] for item in items)
            return f"({a} {'not ' if no else ''}in ({ours}))", f"({x} {'NOT ' if no else ''}IN ({sql}))"

        def of_text():
            (a, x), (b, y) = self.of("text", depth), self.of("text", 0)
            op, name = self.random.choice([("contains", "contains"), ("startswith", "starts_with"), ("endswith", "ends_with")])
            return f"({a} {op} {b})", f"{name}({x}, {y})"

        def matches():
            a, x = self.of("text", depth)
            pattern = self.random.choice(PATTERNS)
            return f"({a} matches /{pattern}/)", f"regexp_matches({x}, '{pattern}')"

        return self.pick(comparison, comparison, comparison, logic, logic, negation, is_null, within, of_text, matches, lambda: self.common("bool", depth))

    def text(self, depth):
        def cased():
            a, x = self.of("text", depth)
            name = self.random.choice(["lower", "upper"])
            return f"{name}({a})", f"{name}({x})"

        def joined():
            (a, x), (b, y) = self.of("text", depth), self.of("text", depth)
            return (f"({a} + {b})" if self.random.random() < 0.5 else f"concat({a}, {b})"), f"({x} || {y})"

        def part():
            a, x = self.of("text", depth)
            start, length = self.random.randint(0, 4), self.random.randint(0, 4)
            if self.random.random() < 0.3:
                return f"substr({a}, {start})", f"substring({x}, {start + 1})"
            return f"substr({a}, {start}, {length})", f"substring({x}, {start + 1}, {length})"

        def replaced():
            a, x = self.of("text", depth)
            old, new = self.random.choice(["a", "b", ",", "xy", "é"]), self.random.choice(["", "Z", "aa"])
            return f"replace({a}, {json.dumps(old, ensure_ascii=False)}, {json.dumps(new)})", f"replace({x}, '{old}', '{new}')"

        def piece():
            a, x = self.of("text", depth)
            at, number = self.random.choice([",", " ", "b"]), self.random.randint(0, 2)
            return f'split_part({a}, "{at}", {number})', f"string_split({x}, '{at}')[{number + 1}]"

        def trimmed():
            a, x = self.of("text", depth)
            return f"trim({a})", f"trim({x}, chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))"

        def of_other():
            type = self.random.choice(["int", "bool"])
            a, x = self.of(type, depth)
            return f"text({a})", f"CAST({x} AS VARCHAR)"

        def extracted():
            a, x = self.of("text", depth)
            pattern = self.random.choice(["a(.)", "([a-zA-Z])([0-9])", "^([^b]*)b"])
            return f"extract({a}, /{pattern}/, 1)", f"(CASE WHEN regexp_matches({x}, '{pattern}') THEN regexp_extract({x}, '{pattern}', 1) END)"

        return self.pick(cased, joined, part, replaced, piece, trimmed, of_other, extracted, lambda: self.common("text", depth))

    def time(self, depth):
        def moved():
            (a, x), (b, y) = self.of("time", depth), self.random.choice(DURATIONS)
            op = self.random.choice("+-")
            return f"({a} {op} {b})", f"({x} {op} {y})"

        def begun():
            a, x = self.of("time", depth)
            unit = self.random.choice(UNITS)
            return f'trunc({a}, "{unit}")', f"CAST(date_trunc('{unit}', {x}) AS TIMESTAMP)"

        def bins():
            a, x = self.of("time", depth)
            ours, micros = self.random.choice([("5m", 300 * 10**6), ("1d", 86400 * 10**6), ("7s", 7 * 10**6)])
            return f"bin({a}, {ours})", f"make_timestamp(epoch_us({x}) - ((epoch_us({x}) % {micros}) + {micros}) % {micros})"

        return self.pick(moved, begun, bins, lambda: self.common("time", depth))
