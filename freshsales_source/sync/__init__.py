"""`freshsales sync`: the order of its phases, and the verdicts on what it did."""
