"""Benchmarks: how quick the product is at a bureau of a hundred times the usual size (`make bench`).

Reading order: `__main__` (the command and its table), `measuring` (what a line of the table is), `bureau` (the database
measured on), then one module per subject: `rates`, `directory`, `contacts`, `sheets`, `commands`. Nothing here is a
test: a busy machine is slow without being wrong. docs/benchmarks.md says what was measured.
"""
