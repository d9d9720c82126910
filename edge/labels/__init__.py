"""Labels: what the relay wants on paper, drawn as pixels for the roll that is loaded."""

from edge.labels.render import BadLabelError, render_label, warm_up
from edge.labels.typeface import FontMissingError, Typeface, find_typeface

__all__ = ["BadLabelError", "FontMissingError", "Typeface", "find_typeface", "render_label", "warm_up"]
