"""Keeping a shop box alive: what doctor looks at, support bundles, backups of journal and identity."""
