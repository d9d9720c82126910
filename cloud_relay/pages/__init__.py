"""Every HTML page of the relay: reads through the rooms, shapes what the templates show. No page writes anything."""
