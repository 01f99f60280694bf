"""The schema, step by step. Migrations go forward only: the way back is a backup."""
