"""What the running daemon does for the technician beside it: devices, pictures, test labels, teaching."""

from edge.technician.ports import Around
from edge.technician.verbs import technician_verbs

__all__ = ["Around", "technician_verbs"]
