"""The writes: each makes one, and gives back what came of it. None of them observes."""
