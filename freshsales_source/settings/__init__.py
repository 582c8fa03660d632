"""What a run is told: address, key, limits and choices, read from mappings and the environment, then checked."""
