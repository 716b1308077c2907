"""Processes that do rounds of one kind of work when they are told to, for `bench.rounds`."""
