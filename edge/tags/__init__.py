"""Tags for samples, shelves and places on the shop's own label printer, while no parcel needs it."""
