"""Where the parts meet, and which replica leads."""
