"""Alembic's revisions of the database, run by `store.migrate` and by nothing else."""
