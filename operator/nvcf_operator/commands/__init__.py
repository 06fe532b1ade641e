"""What `nvcf-operator import` and `nvcf-operator check` do: they ask NVCF once and end. Neither changes anything."""
