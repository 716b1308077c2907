"""Resumes as values: text out of files, the JSON Resume shape, and scores that no prompt can move."""
