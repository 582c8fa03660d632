"""What is remembered: of each object between runs, of one run while it lasts, and of the account since its probe."""
