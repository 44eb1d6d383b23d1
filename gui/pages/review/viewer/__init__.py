"""The image viewer of the review page: its markup, style and scripts, and the component that carries them."""
