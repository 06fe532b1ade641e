"""Pure decisions: what to do and what to say, from typed data and a clock. No I/O."""
