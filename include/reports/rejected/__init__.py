"""The periodic summary of rejected asylum seekers: volumes that name nobody, and give away no small number.

Reach for `counting` to count, `summary` for what is published of it, `hiding` for which cells are hidden and why that
is enough, `document` for the files.
"""
