"""Parcels: the fold of what shops report, label codes, couriers' scans, EPCIS export."""
