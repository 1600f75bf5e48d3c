"""What came back from offices: answers on their lists, receipts, mail that could not be delivered."""
