"""Extracts: land what a source sent, read it under its contract, set bad rows aside, refuse broken files whole."""
