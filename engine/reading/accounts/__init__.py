"""Accounts of a department: who may sign in, by which password, and who is signed in now.

In: a name and a password, or what a browser keeps. Out: the reader that it stands for, or nobody.
"""
