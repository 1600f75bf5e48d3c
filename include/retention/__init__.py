"""When personal data goes, that it is gone, and what a person may ask of it. Every case ends here."""
