"""The one way to the API: a client over retries over a shared budget of calls, and typed errors for what fails."""
