"""Accounts, sign-ins and addresses of people; merchants and their verification."""
