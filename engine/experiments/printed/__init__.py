"""What the pages of experiments print: tables, sentences and figures, each number with an id."""
