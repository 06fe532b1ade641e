"""What the commands do that ask NVCF once and end: `nvcf-operator import` and `nvcf-operator check`. Neither writes."""
