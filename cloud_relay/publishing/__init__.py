"""Publishing goods quickly: a table of goods with a preview, changes of many listings at once, a time for each."""
