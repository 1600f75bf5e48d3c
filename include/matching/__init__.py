"""Whose asylum procedure is this AVR case? A wrong answer harms a person, so doubt goes to a person.

Reach for `names` to compare two names, `birthdates` and `references` for the other evidence, `linkage` for the whole:
candidates, Splink's probabilities by a fixed model, then the decision. `files` reads CSV files for it, and `cache`
keeps what the next day need not find again.
"""
