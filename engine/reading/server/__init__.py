"""A database on a server: how its address is written, and what its failures mean to a person.

In: what somebody wrote as OVERREAD_DATABASE_URL, an error of the driver. Out: an address to connect to, a sentence.
"""
