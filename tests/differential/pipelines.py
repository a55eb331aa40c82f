"""Random pipelines, in the language and in SQL."""

import csv

from expressions import Maker
from tables import TYPES, WORDS, Column, literal

# Of what a sum of floats and the like gives, the last digits may differ: such columns are compared with some tolerance,
# and no stage looks at them.
APPROXIMATE = "approximate"
NUMBERS = ("int", "float")
# Keys of files to look up in: an empty line would be none.
LOOKED_UP = [word for word in WORDS if word]


def order(type, sql, direction):
    """What SQL sorts by: as we do, -0.0 before 0.0."""
    terms = [f"{sql} {direction} NULLS LAST"]
    return ", ".join(terms + [f"NOT signbit({sql}) {direction}"] if type == "float" else terms)


def key(type, text, sql):
    """What is grouped by: which of 0.0 and -0.0 stands for both is not said."""
    return (f"({text} + 0)", f"({sql} + 0)") if type == "float" else (text, sql)


class Pipeline:
    """Stages and the SQL that should give the same. `o` is the order of the elements, as far as there is one."""

    def __init__(self, random, table, parse, beside):
        self.random = random
        # Where files to look up in are written.
        self.beside = beside
        self.stages = [parse]
        self.columns = list(table.columns)
        self.sql = "SELECT * FROM t"
        self.is_ordered = True
        # Columns that no two elements share.
        self.unique = ["id"]
        self.names = 0
        for _ in range(random.randint(1, 4)):
            self.add()
        self.stages.append("write stdout as json")

    def text(self):
        return " | ".join(self.stages)

    def query(self):
        """The rows in order, without what tells the order."""
        names = ", ".join(f'"{column.name}"' for column in self.columns)
        return f"SELECT {names} FROM ({self.sql}) ORDER BY o"

    def add(self):
        stages = [self.where, self.where, self.set, self.set, self.select, self.drop, self.rename, self.sort, self.summarize, self.summarize, self.distinct, self.count, self.windows, self.lookup]
        if self.is_ordered:
            stages += [self.top, self.head, self.tail, self.skip, self.share]
        self.random.choice(stages)()

    def usable(self):
        return [column for column in self.columns if column.type in TYPES]

    def maker(self):
        return Maker(self.random, self.usable() or [Column("id", "int", False)])

    def new_name(self):
        self.names += 1
        return f"n{self.names}"

    def has_usable(self):
        return bool(self.usable())

    def where(self):
        if self.has_usable():
            text, sql = self.maker().bool(2)
            self.push(f"where {text}", f"SELECT * FROM ({{}}) WHERE {sql}")

    def set(self):
        if not self.has_usable():
            return
        type = self.random.choice(TYPES)
        text, sql = self.maker().of(type, 3)
        known = self.random.choice(self.columns)
        if self.random.random() < 0.3 and known.name not in self.unique:
            known_at = self.columns.index(known)
            self.columns[known_at] = Column(known.name, type, True)
            self.push(f"set {known.name} = {text}", f'SELECT * REPLACE ({sql} AS "{known.name}") FROM ({{}})')
        else:
            name = self.new_name()
            self.columns.append(Column(name, type, True))
            self.push(f"set {name} = {text}", f'SELECT *, {sql} AS "{name}" FROM ({{}})')

    def select(self):
        kept = self.random.sample(self.columns, self.random.randint(1, len(self.columns)))
        parts, sqls, columns = [], [], []
        for column in kept:
            parts.append(column.name)
            sqls.append(f'"{column.name}"')
            columns.append(column)
        if self.has_usable() and self.random.random() < 0.5:
            type, name = self.random.choice(TYPES), self.new_name()
            text, sql = self.maker().of(type)
            parts.append(f"{name} = {text}")
            sqls.append(f'{sql} AS "{name}"')
            columns.append(Column(name, type, True))
        self.keep(columns)
        self.push(f"select {', '.join(parts)}", f"SELECT {', '.join(sqls)}, o FROM ({{}})")

    def drop(self):
        if len(self.columns) > 1:
            known = self.random.choice(self.columns)
            self.keep([column for column in self.columns if column is not known])
            self.push(f"drop {known.name}", f'SELECT * EXCLUDE ("{known.name}") FROM ({{}})')

    def rename(self):
        known, name = self.random.choice(self.columns), self.new_name()
        self.unique = [name if unique == known.name else unique for unique in self.unique]
        self.columns = [Column(name, c.type, c.nullable) if c is known else c for c in self.columns]
        self.push(f"rename {name} = {known.name}", f'SELECT * RENAME ("{known.name}" AS "{name}") FROM ({{}})')

    def keep(self, columns):
        self.columns = columns
        names = {column.name for column in columns}
        if not set(self.unique) <= names:
            self.unique = []

    def keys(self):
        """What to sort by: the text, and its SQL."""
        parts, sqls = [], []
        for _ in range(self.random.randint(1, 2)):
            type = self.random.choice(TYPES)
            text, sql = self.maker().of(type, 1)
            direction = self.random.choice(["", " asc", " desc"])
            parts.append(text + direction)
            sqls.append(order(type, sql, direction.upper() or "ASC"))
        return parts, sqls

    def sort(self):
        if not self.has_usable():
            return
        parts, sqls = self.keys()
        if not self.is_ordered:
            if not self.unique:
                return
            parts += self.unique
            types = {column.name: column.type for column in self.columns}
            sqls += [order(types[name], f'"{name}"', "ASC") for name in self.unique]
        self.is_ordered = True
        self.reorder(f"sort {', '.join(parts)}", sqls)

    def reorder(self, stage, sqls, limit=""):
        terms = ", ".join(sqls + ["o"])
        sql = f"SELECT * REPLACE (row_number() OVER (ORDER BY {terms}) AS o) FROM ({{}})"
        self.push(stage, f"SELECT * FROM ({sql}) ORDER BY o{limit}")

    def top(self):
        if not self.has_usable():
            return
        type = self.random.choice(TYPES)
        text, sql = self.maker().of(type, 1)
        direction, count = self.random.choice(["", " asc", " desc"]), self.random.randint(0, 8)
        terms = [order(type, sql, direction.upper() or "DESC")]
        self.reorder(f"top {count} by {text}{direction}", terms, f" LIMIT {count}")

    def head(self):
        count = self.random.randint(0, 12)
        self.push(f"head {count}", f"SELECT * FROM ({{}}) ORDER BY o LIMIT {count}")

    def skip(self):
        count = self.random.randint(0, 12)
        self.push(f"skip {count}", f"SELECT * FROM ({{}}) ORDER BY o OFFSET {count}")

    def tail(self):
        count = self.random.randint(0, 12)
        self.push(f"tail {count}", f"SELECT * FROM ({{}}) ORDER BY o DESC LIMIT {count}")

    def share(self):
        numbers = [column for column in self.usable() if column.type in NUMBERS]
        if numbers:
            known, name = self.random.choice(numbers), self.new_name()
            self.columns.append(Column(name, APPROXIMATE, True))
            sum = f'sum("{known.name}") OVER ()'
            sql = f'CAST("{known.name}" AS DOUBLE) / nullif({sum}, 0)'
            self.push(f"set {name} = share({known.name})", f'SELECT *, {sql} AS "{name}" FROM ({{}})')

    def distinct(self):
        known = self.usable()
        if not known:
            return
        kept = self.random.sample(known, self.random.randint(1, min(3, len(known))))
        keys = [key(column.type, column.name, f'"{column.name}"') for column in kept]
        texts = [text if text == column.name else f"{column.name} = {text}" for column, (text, _) in zip(kept, keys)]
        sqls = [f'{sql} AS "{column.name}"' for column, (_, sql) in zip(kept, keys)]
        self.columns = kept
        self.unique = [column.name for column in kept]
        self.is_ordered = False
        self.group(f"distinct {', '.join(texts)}", sqls, [])

    def count(self):
        self.columns, self.unique, self.is_ordered = [Column("count", "int", False)], ["count"], True
        self.push("count", 'SELECT count(*) AS "count", 0 AS o FROM ({})')

    def summarize(self):
        if not self.has_usable():
            return
        maker = self.maker()
        keys, columns = [], []
        for _ in range(self.random.randint(0, 2)):
            type, name = self.random.choice(TYPES), self.new_name()
            text, sql = key(type, *maker.of(type, 1))
            keys.append((f"{name} = {text}", f'{sql} AS "{name}"'))
            columns.append(Column(name, type, True))
        aggregates = []
        for _ in range(self.random.randint(1, 4)):
            name = self.new_name()
            text, sql, type = self.aggregate(maker)
            aggregates.append((f"{name} = {text}", f'{sql} AS "{name}"'))
            columns.append(Column(name, type, True))
        text = "summarize " + ", ".join(text for text, _ in aggregates)
        if keys:
            text += " by " + ", ".join(text for text, _ in keys)
        self.columns = columns
        self.unique = [column.name for column in columns[: len(keys)]]
        self.is_ordered = not keys
        self.group(text, [sql for _, sql in keys], [sql for _, sql in aggregates])

    def windows(self):
        """Windows of event time, of what comes in order: so nothing is late."""
        times = [column for column in self.usable() if column.type == "time"]
        if not times or not self.is_ordered:
            return
        time, name = self.random.choice(times).name, self.new_name()
        length, micros = self.random.choice([("1h", 3600), ("90m", 5400), ("1d", 86400), ("250ms", 0.25)])
        micros = int(micros * 1000000)
        self.reorder(f"sort {time}", [order("time", f'"{time}"', "ASC")])
        maker = self.maker()
        type = self.random.choice(TYPES)
        key_text, key_sql = key(type, *maker.of(type, 1))
        text, sql, made = self.aggregate(maker)
        aggregate = self.new_name()
        self.columns = [Column("window", "time", False), Column(name, type, True), Column(aggregate, made, True)]
        self.unique, self.is_ordered = ["window", name], False
        at = f'epoch_us("{time}")'
        begin = f"{at} - (({at} % {micros}) + {micros}) % {micros}"
        window = f"(TIMESTAMP '1970-01-01' + to_microseconds({begin}))"
        keys = [f'{window} AS "window"', f'{key_sql} AS "{name}"']
        of_times = self.sql
        self.sql = f'SELECT * FROM ({of_times}) WHERE "{time}" IS NOT NULL'
        stage = f"summarize {aggregate} = {text} by {name} = {key_text} every {length} of {time}"
        self.group(stage, keys, [f'{sql} AS "{aggregate}"'])

    def lookup(self):
        """What a file has for a text."""
        if not self.has_usable() or any(column.name in ("k", "v") for column in self.columns):
            return
        keys = self.random.sample(LOOKED_UP, self.random.randint(0, len(LOOKED_UP)))
        rows = [(k, self.random.choice(["", "one", 'two "2"', "three,3"])) for k in keys]
        self.names += 1
        path = f"{self.beside}.lookup{self.names}.csv"
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("k", "v")] + rows)
        text, sql = self.maker().of("text", 1)
        name = self.new_name()
        self.columns.append(Column(name, "text", True))
        values = ", ".join(f"({literal('text', k)}, {literal('text', v)})" for k, v in rows) or "(CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR))"
        stage = f'lookup "{path}" on k = {text} | rename {name} = v'
        self.push(stage, f'SELECT s.*, l.v AS "{name}" FROM (SELECT *, {sql} AS l_key FROM ({{}})) s LEFT JOIN (VALUES {values}) l(k, v) ON l.k = s.l_key')
        self.sql = f"SELECT * EXCLUDE (l_key) FROM ({self.sql})"

    def group(self, stage, keys, aggregates):
        sql = f"SELECT {', '.join(keys + aggregates)}, min(o) AS o FROM ({{}})"
        if keys:
            sql += " GROUP BY " + ", ".join(str(k + 1) for k in range(len(keys)))
        self.push(stage, sql)

    def aggregate(self, maker):
        """An aggregate: its text, its SQL and its type."""
        number = self.random.choice(NUMBERS)
        any = self.random.choice(TYPES)
        (a, x), (b, y), (c, z) = maker.of(number, 1), maker.of(any, 1), maker.of("bool", 1)
        made = [
            ("count()", "count(*)", "int"),
            (f"count({b})", f"count({y})", "int"),
            (f"countif({c})", f"coalesce(count_if({z}), 0)", "int"),
            (f"min({b})", f"min({y})", any),
            (f"max({b})", f"max({y})", any),
            (f"dcount({b})", f"count(DISTINCT {y})", "int"),
            (f"sum({a})", f"coalesce(sum({x}), 0)", number if number == "int" else APPROXIMATE),
            (f"avg({a})", f"avg({x})", APPROXIMATE),
            (f"stddev({a})", f"stddev_samp({x})", APPROXIMATE),
            (f"variance({a})", f"var_samp({x})", APPROXIMATE),
            (f"median({a})", f"median(CAST({x} AS DOUBLE))", APPROXIMATE),
        ]
        percent = self.random.choice([0, 10, 25, 90, 95, 100])
        made.append((f"percentile({a}, {percent})", f"quantile_cont(CAST({x} AS DOUBLE), {percent / 100})", APPROXIMATE))
        if self.is_ordered:
            by = self.random.choice(["int", "float", "text", "time"])
            d, w = maker.of(by, 1)
            there = f"FILTER (WHERE ({y}) IS NOT NULL AND ({w}) IS NOT NULL)"
            made += [
                (f"first({b})", f"first({y} ORDER BY o) FILTER (WHERE ({y}) IS NOT NULL)", any),
                (f"last({b})", f"first({y} ORDER BY o DESC) FILTER (WHERE ({y}) IS NOT NULL)", any),
                (f"argmin({b}, {d})", f"first({y} ORDER BY {order(by, w, 'ASC')}, o) {there}", any),
                (f"argmax({b}, {d})", f"first({y} ORDER BY {order(by, w, 'DESC')}, o) {there}", any),
                (f"collect({b})", f"coalesce(list({y} ORDER BY o) FILTER (WHERE ({y}) IS NOT NULL), [])", "list"),
            ]
        return self.random.choice(made)

    def push(self, stage, sql):
        self.stages.append(stage)
        self.sql = sql.replace("{}", self.sql, 1)
