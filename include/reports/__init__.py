"""What is reported about the work: the day that adds up."""
