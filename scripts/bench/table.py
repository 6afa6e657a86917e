"""Medians and tables."""

import statistics


class Table:
    """A Markdown table: columns of words to the left, columns of numbers to the right."""

    def __init__(self, title, *columns):
        self.title, self.rows = title, [columns]

    def add(self, *cells):
        self.rows.append([cell if isinstance(cell, str) else show(cell) for cell in cells])

    def __str__(self):
        columns = list(zip(*self.rows))
        widths = [max(map(len, column)) for column in columns]
        numbers = [len(column) > 1 and all(cell[:1] in tuple("0123456789-.") for cell in column[1:]) for column in columns]

        def line(cells):
            padded = [cell.rjust(width) if number else cell.ljust(width) for cell, width, number in zip(cells, widths, numbers)]
            return "| " + " | ".join(padded) + " |"

        rule = "|" + "|".join("-" * (width + 1) + (":" if number else "-") for width, number in zip(widths, numbers)) + "|"
        return "\n".join([f"## {self.title}", "", line(self.rows[0]), rule, *(line(row) for row in self.rows[1:])]) + "\n"


def show(value):
    """Three digits that count, or a whole number."""
    if value is None:
        return "-"
    if value == int(value) and abs(value) >= 100:
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"


def median(rows, key):
    """The median of a key over the rows that have it."""
    values = [row[key] for row in rows if row.get(key) is not None]
    return statistics.median(values) if values else None


def spread(rows, key):
    """Least and most of a key over the rows."""
    values = [row[key] for row in rows]
    return f"{show(min(values))}..{show(max(values))}" if values else "-"


def ratio(rows, base, key="median_step_s"):
    """How many times the base's value the rows' value is: the median over the rounds, each against its own round."""
    values = [row[key] / other[key] for row, other in zip(rows, base)]
    return statistics.median(values) if values else None


def thousandths(value):
    return None if value is None else value * 1e3


def mib(value):
    return None if value is None else value / 2**20
