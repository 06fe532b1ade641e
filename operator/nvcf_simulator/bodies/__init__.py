"""What requests may say: reading JSON as leniently as NVCF does, and all complaints about a body in one answer."""
