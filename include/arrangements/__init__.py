"""What an office and a source have arranged: YAML that staff on the spot write, checked as they write it."""
