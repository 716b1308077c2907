"""Plans, payments and metered AI calls: the one layer that every function mounts."""
