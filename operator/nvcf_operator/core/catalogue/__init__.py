"""What can be deployed where, by NVCF's catalogue, and what a manifest names that is not in it. All of it is advice."""
