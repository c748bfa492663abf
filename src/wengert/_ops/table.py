"""The whole table, parsed and checked. Importing this module fails if any row breaks the grammar."""
from . import table_elementwise, table_structured
from .rows import Table

PARTS = (table_elementwise, table_structured)


def build(parts=PARTS):
    """A finished table of the rows that these modules define."""
    table = Table()
    for part in parts:
        part.define(table.op)
    return table.finish()


TABLE = build()
