"""What every figure is held against: the least that a handler on the same libraries can be."""
