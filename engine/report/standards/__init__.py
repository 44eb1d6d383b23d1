"""Reference standards: which there are, how their cases were drawn, and the predictions held against one."""
