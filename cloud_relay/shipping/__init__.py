"""What it costs to send a parcel, by weight and place, and which tax is in or on a price."""
