"""Where events come from besides HTTP: one module a kind, which has its name; its ``KIND`` makes a source."""
