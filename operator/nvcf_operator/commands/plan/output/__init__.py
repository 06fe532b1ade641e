"""A plan as text for a terminal, as Markdown for a comment, and as JSON."""
