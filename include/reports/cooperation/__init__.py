"""The review of the cooperation: how the promise was kept over a time, for the headquarters of both agencies.

Reach for `keeping` to make it, `figures` for what is counted, `figures.yaml` for what each figure means, `tables` and
`page` for how it is told. There are no persons in here, only numbers.
"""
