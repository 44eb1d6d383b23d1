"""Planning a study: its protocol, which cases are drawn, who gets them in which order, and the study as rows.

In: what somebody wants to find out, and images. Out: a study with an assignment for each reader, case and arm.
"""
