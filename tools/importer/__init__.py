"""Takes the users, subscriptions and usage of the Express and MongoDB application into the tables."""
