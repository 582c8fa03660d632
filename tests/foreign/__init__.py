"""Other people's clients, run against the emulator: it must serve what their code expects.

They are test tools in environments of their own, made from the lock files here; the project never depends on
them. `.ci/run` shows how the tests are run.
"""
