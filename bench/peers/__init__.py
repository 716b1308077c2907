"""What the AI path is measured beside. Each runs in a process of its own and answers "go" with the figures of a round."""
