"""The web side: accounts, catalog, viewing, orders, escrow, parcels, notices. Thin; decides no device step."""
