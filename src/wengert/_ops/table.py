"""The whole table, parsed and checked. Importing this module fails if any row breaks the grammar."""
from . import (table_activation, table_conv, table_copy, table_elementwise, table_geometry, table_index, table_linalg, table_math,
               table_nn, table_recurrent, table_reduce, table_special, table_views)
from .rows import Table

PARTS = (table_elementwise, table_math, table_special, table_activation, table_reduce, table_views, table_copy, table_geometry, table_index,
         table_linalg, table_nn, table_recurrent, table_conv)


def build(parts=PARTS):
    """A finished table of the rows that these modules define."""
    table = Table()
    for part in parts:
        part.define(table.op)
    return table.finish()


TABLE = build()
