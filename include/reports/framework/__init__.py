"""The views of a framework for Afghans from outside the region: what each party is sent, as files."""
