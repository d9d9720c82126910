"""What can be wrong with the journal, named by what must happen next."""


class JournalError(Exception):
    """The root of the journal's errors."""


class JournalDamagedError(JournalError):
    """What is stored contradicts its hash chain or went back in time: quarantine, a person decides, nothing moves."""


class JournalFailedError(JournalError):
    """A write, read or sync failed: whether it is stored is unknown. Stop acting, exit, open again, read again."""


class JournalLockedError(JournalError):
    """Another process holds this journal: two daemons would both act."""
