"""Room viewing: who may look through which camera. The shop decides turns; this room carries questions and answers."""
