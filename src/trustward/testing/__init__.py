"""The kit for everybody's tests: a contract for each port, and a PostgreSQL server of one's own."""
