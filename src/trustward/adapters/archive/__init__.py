"""Archived days of the journal as Parquet files, and queries over them."""
