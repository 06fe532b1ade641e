"""One resource at a time: observe, decide, act, observe again, record, and say when to come back."""
