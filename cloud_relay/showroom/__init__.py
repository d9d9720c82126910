"""The showroom: tags on samples, shelves and places, printed as sheets; what a scanned one leads to."""
