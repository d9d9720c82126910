"""What shops offer to those who buy together: published, shown, told to the till."""
