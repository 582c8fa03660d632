"""What tables and columns are: their words, their names, and the custom fields of an account."""
