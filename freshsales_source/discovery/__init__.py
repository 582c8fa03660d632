"""What an account has to load, and what loading it costs: behind `freshsales check` and `freshsales discover`."""
