"""The periodic summary of rejected asylum seekers: volumes that name nobody, and from which no small one can be known.

Reach for `counting` to count, `summary` for what is published of it, `hiding` for which cells are hidden and why that is
enough, `document` for the files.
"""
