"""What decisions are made from, and what they say: data, and what follows from it alone."""
