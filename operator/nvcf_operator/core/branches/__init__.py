"""What to do in each situation; `decide` chooses the branch."""
