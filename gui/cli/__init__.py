"""The command line: one module a family of commands; `main` holds every command's words and help.

In: arguments. Out: tables for people, JSON for scripts, exit codes.
"""
