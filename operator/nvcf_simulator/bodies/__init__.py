"""Request bodies: JSON is read as leniently as NVCF does, and one response lists all violations of a body."""
