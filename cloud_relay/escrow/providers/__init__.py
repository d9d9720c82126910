"""Payment providers: who really moves money. One file each behind one interface, all held to the same contract."""
