"""Every way a person drives the engine: the command line and the Gradio pages. May import engine, never the reverse."""
