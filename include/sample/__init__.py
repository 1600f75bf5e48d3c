"""A made-up world to run on: people, registers, two clerks' spelling, mistakes, and the truth beside it."""
