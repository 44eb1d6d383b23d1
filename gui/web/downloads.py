"""A file that a handler has written reaches the browser."""

TAKE_FILE = """(file) => {
  if (!file?.url) return;
  const link = document.createElement('a');
  link.href = file.url;
  link.download = file.orig_name ?? '';
  link.click();
}"""
"""For `.success(None, component, None, js=TAKE_FILE)`: the browser saves what a handler put into a hidden component.

By what was handed over: the component's own button may still hold nothing, or the file before.
"""
