"""The main job, shown on real parts: `make demo`, and `make up` / `make down` to play with it."""
