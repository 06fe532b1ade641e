"""Flow control of calls to NVCF: rate limit, concurrency, turns, circuit breaker and the pauses that a 429 asks for."""
