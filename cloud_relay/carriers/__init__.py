"""Carriers: who takes parcels to shoppers, behind one interface; what they say, mapped to our steps."""
