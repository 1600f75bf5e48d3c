"""What an office is to be told: the difference, the numbered list, and how it looks."""
