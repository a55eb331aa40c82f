"""Random tables: their values, as files of CSV or JSON and as a table of DuckDB."""

import datetime
import json

TYPES = ["int", "float", "bool", "text", "time"]
EPOCH = datetime.datetime(1970, 1, 1)
WORDS = ["", "a", "ab", "abc", "x,y", 'say "x"', "two\nlines", "cr\r", " blank ", "é", "Ünder", "€uro", "😀", "A\\b", "10", "zz"]


class Column:
    """A column: its name, its type (one of TYPES), and whether it may be null."""

    def __init__(self, name, type, nullable):
        self.name, self.type, self.nullable = name, type, nullable

    def declaration(self):
        return f"{self.name}:{self.type}{'?' if self.nullable else ''}"


class Table:
    """Columns and rows. The first column is `id`, an int that counts the rows."""

    def __init__(self, random):
        self.columns = [Column("id", "int", False)]
        for k in range(random.randint(2, 6)):
            self.columns.append(Column(f"c{k}", random.choice(TYPES), random.random() < 0.7))
        self.rows = []
        few = {column.name: [value(random, column.type) for _ in range(4)] for column in self.columns}
        for number in range(random.choice([0, 1, 2, 5, 10, 20, 30, 60]) if random.random() < 0.99 else 3000):
            self.rows.append([number] + [cell(random, column, few[column.name]) for column in self.columns[1:]])

    def write(self, random, path):
        """Writes a file; gives the stage that parses it."""
        declared = ",".join(column.declaration() for column in self.columns)
        if random.random() < 0.5:
            sep = random.choice([",", ",", ";", "\t"])
            text = csv_text(random, self, sep)
            has_header = random.random() < 0.7
            if has_header:
                text = sep.join(column.name for column in self.columns) + random.choice(["\n", "\r\n"]) + text
            shown = "\\t" if sep == "\t" else sep
            stage = f'parse csv(sep="{shown}", columns="{declared}", header={str(has_header).lower()})'
            # A last line without an end may be cut off, and says less of the types.
            if has_header and self.is_typical() and text.endswith("\n"):
                stage = f'parse csv(sep="{shown}")'
        else:
            # Some fields lie within others.
            places = {c.name: random.choice(["", "", "sub.", "sub.deep.", "list[1]."]) + c.name for c in self.columns}
            text = json_text(random, self, places)
            declared = ",".join(f"{places[c.name]}:{c.type}{'?' if c.nullable else ''}" for c in self.columns)
            # Records have their fields in any order, and others.
            names = ", ".join(f"{c.name} = {places[c.name]}" for c in self.columns)
            stage = f'parse json(columns="{declared}") | select {names}'
        with open(path, "wb") as file:
            file.write(("\ufeff" if random.random() < 0.1 else "").encode() + text.encode())
        return stage

    def is_typical(self):
        """Whether the types of columns can be told from their values."""
        for k, column in enumerate(self.columns):
            known = [row[k] for row in self.rows if row[k] is not None]
            if not known or column.type == "text" and (column.nullable or not any(text and not text[0].isdigit() for text in known)):
                return False
        return True

    def sql(self):
        """What makes the table `t`, with `o` as the order of its rows."""
        names = ", ".join(f'"{column.name}" {SQL_TYPES[column.type]}' for column in self.columns)
        rows = []
        for row in self.rows:
            values = [literal(column.type, value) for column, value in zip(self.columns, row)]
            rows.append(f"({', '.join(values)}, {row[0]})")
        create = f"CREATE OR REPLACE TABLE t ({names}, o BIGINT)"
        return [create] + ([f"INSERT INTO t VALUES {', '.join(rows)}"] if rows else [])


SQL_TYPES = {"int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "text": "VARCHAR", "time": "TIMESTAMP"}


def value(random, type):
    if type == "int":
        return random.choice([0, 1, -1, 2, 3, 7, random.randint(-9, 9), random.randint(-100000, 100000)])
    if type == "float":
        return random.choice([0.0, -0.0, 1.0, -1.5, 0.1, 2.5, -0.5, random.randint(-50, 50) / 4, random.uniform(-1e4, 1e4)])
    if type == "bool":
        return random.random() < 0.5
    if type == "text":
        return random.choice(WORDS) if random.random() < 0.8 else "".join(random.choices("abAB é10", k=random.randint(0, 6)))
    micros = random.choice([0, 1500000, random.randint(0, 10**9), random.randint(-(10**15), 2 * 10**15)])
    day = random.choice([0, 20000 * 86400 * 10**6])
    return EPOCH + datetime.timedelta(microseconds=micros + day)


def cell(random, column, few):
    if column.nullable and random.random() < 0.2:
        return None
    return random.choice(few) if random.random() < 0.6 else value(random, column.type)


def literal(type, value):
    """A value in SQL."""
    if value is None:
        return "NULL"
    if type == "text":
        return "'" + value.replace("'", "''") + "'"
    if type == "time":
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if type == "float":
        return f"CAST('{value!r}' AS DOUBLE)"
    return str(value).lower() if type == "bool" else str(value)


def constant(type, value):
    """A value in the language."""
    if type == "text":
        return json.dumps(value, ensure_ascii=False)
    if type == "time":
        return "@" + value.isoformat()
    return str(value).lower() if type == "bool" else repr(value)


def plain(random, type, value):
    """A value that is no text, as it may stand in a file."""
    if type == "time":
        return value.isoformat() + random.choice(["Z", "+00:00"])
    if type == "bool":
        return str(value).lower()
    return repr(value)


def csv_text(random, table, sep):
    lines = []
    for row in table.rows:
        fields = []
        for column, value in zip(table.columns, row):
            if value is None:
                fields.append("")
                continue
            text = value if column.type == "text" else plain(random, column.type, value)
            must = any(c in text for c in sep + '"\r\n') or text == "" and column.nullable
            if must or random.random() < 0.2:
                text = '"' + text.replace('"', '""') + '"'
            fields.append(text)
        lines.append(sep.join(fields) + random.choice(["\n", "\n", "\r\n"]))
    text = "".join(lines)
    return text.rstrip("\r\n") if random.random() < 0.1 and text.endswith("\n") else text


def put(record, place, value):
    """Puts a value where a path says."""
    if place.startswith("sub.deep."):
        record.setdefault("sub", {}).setdefault("deep", {})[place[9:]] = value
    elif place.startswith("sub."):
        record.setdefault("sub", {})[place[4:]] = value
    elif place.startswith("list[1]."):
        record.setdefault("list", [0, {}])[1][place[8:]] = value
    else:
        record[place] = value


def json_text(random, table, places):
    records = []
    for row in table.rows:
        record = {}
        for column, value in zip(table.columns, row):
            if value is None and random.random() < 0.5:
                continue
            if column.type == "time" and value is not None:
                value = plain(random, "time", value)
            put(record, places[column.name], value)
        if random.random() < 0.3:
            record["other"] = random.choice([1, "x", [1, {"a": 2}], {"b": None}])
        items = list(record.items())
        random.shuffle(items)
        records.append(dict(items))
    ascii = random.random() < 0.5
    form = random.choice(["lines", "lines", "array", "pretty"])
    if form == "array":
        return json.dumps(records, ensure_ascii=ascii, indent=random.choice([None, 1]))
    indent = 2 if form == "pretty" else None
    return "".join(json.dumps(record, ensure_ascii=ascii, indent=indent) + "\n" for record in records)
