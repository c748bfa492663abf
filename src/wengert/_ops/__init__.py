"""The table of operations, its grammar and its emitters.

Pure Python over the standard library: it runs at build time, before wengert itself can be imported.

- `grammar`: signatures and formulas become small immutable trees
- `rows`: one operation (`Op`), and the `Table` that holds and checks all of them
- `table*`: the operations themselves
- `emit_c`: the C that the build compiles; `emit_py`: stubs and the list that generates tests
"""
