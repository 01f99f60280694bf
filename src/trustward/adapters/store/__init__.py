"""The store over SQLite and PostgreSQL, by the same named queries and migrations, and one in memory for tests."""
