"""Commands for whoever works on Tollgate or moves to it."""
