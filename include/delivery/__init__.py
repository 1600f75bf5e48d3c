"""A list on its way: sealed for its reader alone, sent, and proved to have arrived."""
