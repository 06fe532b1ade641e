"""The credentials in use, and NVCF as each of them sees it."""
